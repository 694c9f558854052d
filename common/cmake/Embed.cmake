# Writes a C++ source with the text of SOURCE as the string kNAME: numbers, as a literal has a longest length.
file(READ ${SOURCE} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${GENERATED} "namespace lockstep::data {\nextern const char k${NAME}[];\nconst char k${NAME}[] = {\n${bytes}0};\n}  // namespace lockstep::data\n")
