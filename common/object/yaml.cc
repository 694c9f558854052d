#include "common/object/yaml.h"

#include <string>
#include <utility>
#include <yaml.h>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/object/yaml_builder.h"
#include "common/object/yaml_scalar.h"
#include "common/object/yaml_source.h"

// The only file that knows libyaml: it turns the parser's events into calls of the builder.

namespace lockstep {
namespace {

constexpr absl::string_view kMergeTag = "tag:yaml.org,2002:merge";

absl::string_view Text(const yaml_char_t* text) {
  return text == nullptr ? absl::string_view() : reinterpret_cast<const char*>(text);
}

Place PlaceOf(const yaml_mark_t& mark, const YamlSource& source) {
  return source.PlaceOfMark(mark.line, mark.column);
}

class Parser {
 public:
  explicit Parser(absl::string_view bytes) {
    initialized_ = yaml_parser_initialize(&parser_) != 0;
    if (!initialized_) return;
    if (bytes.data() == nullptr) bytes = "";  // libyaml would end the process.
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(bytes.data()),
                                 bytes.size());
  }
  ~Parser() {
    if (initialized_) yaml_parser_delete(&parser_);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  bool Next(yaml_event_t* event) { return initialized_ && yaml_parser_parse(&parser_, event) != 0; }

  absl::Status Error(const YamlSource& source) const {
    if (!initialized_ || parser_.error == YAML_MEMORY_ERROR) {
      return absl::ResourceExhaustedError(absl::StrCat(source.file(), ": no memory to read it"));
    }
    if (parser_.error == YAML_READER_ERROR) {
      return source.Error(source.PlaceAt(parser_.problem_offset), parser_.problem,
                          "remove the character");
    }
    std::string problem = parser_.problem == nullptr ? "no YAML" : parser_.problem;
    if (parser_.context != nullptr) {
      absl::StrAppend(&problem, " ", parser_.context);
      if (parser_.context_mark.line != parser_.problem_mark.line) {
        absl::StrAppend(&problem, " that begins in line ", parser_.context_mark.line + 1);
      }
    }
    return source.Error(PlaceOf(parser_.problem_mark, source), problem, "correct the YAML there");
  }

 private:
  yaml_parser_t parser_;
  bool initialized_ = false;
};

struct Event : yaml_event_t {
  Event() { type = YAML_NO_EVENT; }
  ~Event() { yaml_event_delete(this); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
};

absl::Status HandleDocumentStart(const yaml_event_t& event, const YamlSource& source,
                                 YamlBuilder* builder) {
  const auto& start = event.data.document_start;
  const Place place = PlaceOf(event.start_mark, source);
  if (const yaml_version_directive_t* version = start.version_directive;
      version != nullptr && (version->major != 1 || version->minor != 1)) {
    return source.Error(place,
                        absl::StrCat("%YAML ", version->major, ".", version->minor,
                                     " is not the version that Kubernetes reads"),
                        "remove the line");
  }
  return builder->BeginDocument(place);
}

absl::Status HandleScalar(const yaml_event_t& event, YamlSource* source, YamlBuilder* builder) {
  const auto& scalar = event.data.scalar;
  const absl::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
  YamlBuilder::Scalar out = {.text = text,
                             .tag = Text(scalar.tag),
                             .anchor = Text(scalar.anchor),
                             .place = PlaceOf(event.start_mark, *source)};
  // libyaml drops the tag "!", which makes a string of anything, so the source must be asked.
  const bool plain = scalar.tag == nullptr && scalar.style == YAML_PLAIN_SCALAR_STYLE;
  out.plain = plain && !(MayResolve(text) &&
                         source->HasBangTag(event.start_mark.index, event.end_mark.index));
  out.quoted = scalar.style != YAML_PLAIN_SCALAR_STYLE;
  out.merge = text == "<<" && (scalar.plain_implicit != 0 || out.tag == kMergeTag);
  return builder->AddScalar(out);
}

absl::Status Handle(const yaml_event_t& event, YamlSource* source, YamlBuilder* builder) {
  const Place place = PlaceOf(event.start_mark, *source);
  switch (event.type) {
    case YAML_DOCUMENT_START_EVENT:
      return HandleDocumentStart(event, *source, builder);
    case YAML_DOCUMENT_END_EVENT:
      builder->EndDocument();
      return absl::OkStatus();
    case YAML_SCALAR_EVENT:
      return HandleScalar(event, source, builder);
    case YAML_ALIAS_EVENT:
      return builder->AddAlias(Text(event.data.alias.anchor), place);
    case YAML_SEQUENCE_START_EVENT:
      return builder->Begin(YamlBuilder::Kind::kList, Text(event.data.sequence_start.anchor),
                            place);
    case YAML_MAPPING_START_EVENT:
      return builder->Begin(YamlBuilder::Kind::kMapping, Text(event.data.mapping_start.anchor),
                            place);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      return builder->End();
    default:
      return absl::OkStatus();
  }
}

}  // namespace

absl::StatusOr<std::vector<Value>> ReadYamlWith(absl::string_view bytes, absl::string_view file,
                                                const YamlOptions& options) {
  YamlSource source(bytes, file, options.lines_before, options.line_base);
  LOCKSTEP_RETURN_IF_ERROR(source.Check(options.limits.bytes));
  Parser parser(bytes);
  YamlBuilder builder(options, &source);
  while (true) {
    Event event;
    if (!parser.Next(&event)) return parser.Error(source);
    if (event.type == YAML_STREAM_END_EVENT) return builder.TakeDocuments();
    LOCKSTEP_RETURN_IF_ERROR(Handle(event, &source, &builder));
    if (event.type == YAML_DOCUMENT_END_EVENT && options.first_document_only) {
      return builder.TakeDocuments();
    }
  }
}

absl::StatusOr<std::vector<Value>> ReadYaml(absl::string_view bytes, absl::string_view file,
                                            const YamlLimits& limits) {
  return ReadYamlWith(bytes, file, {.limits = limits});
}

}  // namespace lockstep
