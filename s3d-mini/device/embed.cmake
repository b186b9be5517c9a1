# embed.cmake: writes OUTPUT, C source of a function that gives the text of each of FILES by its name.
set(tables "")
set(branches "")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER ${name} identifier)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND tables "static const unsigned char ${identifier}[] = {${bytes}0};\n")
  string(APPEND branches "  if (strcmp(name, \"${name}\") == 0) return (const char *)${identifier};\n")
endforeach()
file(WRITE ${OUTPUT} "#include <stddef.h>\n#include <string.h>\n\n${tables}\nconst char *s3d_embedded_file(const char *name);\n"
  "const char *s3d_embedded_file(const char *name) {\n${branches}  return NULL;\n}\n")
