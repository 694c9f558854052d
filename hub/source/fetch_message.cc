#include "hub/source/fetch_message.h"

#include <absl/strings/str_cat.h>

namespace lockstep {
namespace {

constexpr size_t kListMax = 10'000;

class Writer {
 public:
  void operator()(const std::string& text) {
    Number(text.size(), 4);
    bytes_.append(text);
  }
  void operator()(int64_t number) {
    Number(8, 4);
    Number(static_cast<uint64_t>(number), 8);
  }
  void operator()(const std::vector<std::string>& list) {
    (*this)(static_cast<int64_t>(list.size()));
    for (const std::string& text : list) (*this)(text);
  }

  std::string Finish() && {
    Writer framed;
    framed(bytes_);
    return std::move(framed.bytes_);
  }

 private:
  void Number(uint64_t number, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<char>(number >> (8 * i)));
  }

  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(absl::string_view bytes) : rest_(bytes) {}

  void operator()(std::string& text) { text = std::string(Field()); }
  void operator()(int64_t& number) {
    const absl::string_view field = Field();
    failed_ |= field.size() != 8;
    uint64_t value = 0;
    for (size_t i = 0; i < field.size() && i < 8; ++i) {
      value |= static_cast<uint64_t>(static_cast<uint8_t>(field[i])) << (8 * i);
    }
    number = static_cast<int64_t>(value);
  }
  void operator()(std::vector<std::string>& list) {
    int64_t count = 0;
    (*this)(count);
    failed_ |= count < 0 || static_cast<size_t>(count) > kListMax;
    for (int64_t i = 0; i < count && !failed_; ++i) (*this)(list.emplace_back());
  }

  bool Whole() const { return !failed_ && rest_.empty(); }

 private:
  absl::string_view Field() {
    size_t size = 0;
    failed_ |= rest_.size() < 4;
    if (failed_) return "";
    for (int i = 0; i < 4; ++i)
      size |= static_cast<size_t>(static_cast<uint8_t>(rest_[i])) << (8 * i);
    rest_.remove_prefix(4);
    failed_ |= rest_.size() < size;
    if (failed_) return "";
    const absl::string_view field = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return field;
  }

  absl::string_view rest_;
  bool failed_ = false;
};

// The fields, in order: once for both directions.
template <typename Visitor, typename Order>
void VisitOrder(Visitor& visit, Order& order, auto& task, auto& any_address) {
  visit(task);
  visit(order.repository);
  visit(order.home);
  visit(order.url);
  visit(order.ref.branch);
  visit(order.ref.tag);
  visit(order.ref.semver);
  visit(order.ref.name);
  visit(order.ref.commit);
  visit(order.credentials.username);
  visit(order.credentials.password);
  visit(order.credentials.bearer_token);
  visit(order.credentials.ca_pem);
  visit(order.credentials.identity);
  visit(order.credentials.passphrase);
  visit(order.credentials.known_hosts);
  visit(any_address);
  visit(order.ranges);
  visit(order.bytes_max);
  visit(order.objects_max);
  visit(order.refs_bytes_max);
  visit(order.memory_bytes_max);
}

template <typename Visitor, typename Report>
void VisitReport(Visitor& visit, Report& report, auto& code, auto& message, auto& forced,
                 auto& damaged) {
  visit(code);
  visit(message);
  visit(report.shown);
  visit(report.ref);
  visit(report.commit);
  visit(report.previous);
  visit(forced);
  visit(damaged);
  visit(report.bytes);
  visit(report.objects);
  visit(report.packs);
}

bool IsPlausible(const FetchReport& report) {
  const auto is_id = [](const std::string& text) { return text.empty() || IsCommitId(text); };
  const auto is_name = [](const std::string& text) { return text.empty() || IsFullRefName(text); };
  return is_id(report.commit) && is_id(report.previous) && is_name(report.ref) &&
         is_name(report.shown.empty() ? "" : absl::StrCat("refs/", report.shown)) &&
         report.bytes >= 0 && report.objects >= 0;
}

}  // namespace

std::string EncodeOrder(const FetchOrder& order) {
  Writer writer;
  const auto task = static_cast<int64_t>(order.task);
  const auto any_address = static_cast<int64_t>(order.any_address);
  VisitOrder(writer, order, task, any_address);
  return std::move(writer).Finish();
}

std::string EncodeReport(const FetchReport& report) {
  Writer writer;
  const auto code = static_cast<int64_t>(report.status.code());
  const std::string message(report.status.message());
  const auto forced = static_cast<int64_t>(report.forced);
  const auto damaged = static_cast<int64_t>(report.damaged);
  VisitReport(writer, report, code, message, forced, damaged);
  return std::move(writer).Finish();
}

absl::StatusOr<FetchOrder> DecodeOrder(absl::string_view bytes) {
  FetchOrder order;
  Reader reader(bytes);
  int64_t task = 0;
  int64_t any_address = 0;
  VisitOrder(reader, order, task, any_address);
  if (!reader.Whole() || task < 0 || task > static_cast<int64_t>(FetchOrder::Task::kMergePacks)) {
    return absl::InternalError("a fetch process got an order that it cannot read");
  }
  order.task = static_cast<FetchOrder::Task>(task);
  order.any_address = any_address != 0;
  return order;
}

absl::StatusOr<FetchReport> DecodeReport(absl::string_view bytes) {
  FetchReport report;
  Reader reader(bytes);
  int64_t code = 0;
  std::string message;
  int64_t forced = 0;
  int64_t damaged = 0;
  VisitReport(reader, report, code, message, forced, damaged);
  if (!reader.Whole() || code < 0 ||
      code > static_cast<int64_t>(absl::StatusCode::kUnauthenticated)) {
    return absl::InternalError("the fetch process gave an answer that cannot be read");
  }
  report.status = absl::Status(static_cast<absl::StatusCode>(code), message);
  report.forced = forced != 0;
  report.damaged = damaged != 0;
  if (!IsPlausible(report))
    return absl::InternalError("the fetch process gave an answer that cannot be true");
  return report;
}

}  // namespace lockstep
