// What stands for PTX: a text with PTX's first directives, and the shared object in a comment.
#pragma once
#include <string>

inline const std::string PTX_OBJECT = "\n// the object, in hexadecimal: ";

inline std::string as_ptx(const std::string &object, const std::string &architecture)
{
  std::string text = ".version 8.4\n.target sm_" + architecture + "\n.address_size 64" + PTX_OBJECT;
  for (unsigned char byte : object)
    for (int half : {byte >> 4, byte & 15})
      text += "0123456789abcdef"[half];
  return text + "\n" + '\0';
}

// Empty for a text that was not made so.
inline std::string object_of(const std::string &text)
{
  const std::size_t found = text.find(PTX_OBJECT);
  std::string object;
  if (found == std::string::npos || text.find(".version ") > found)
    return object;
  for (std::size_t at = found + PTX_OBJECT.size(); at + 1 < text.size() && text[at] != '\n'; at += 2)
    object += char(std::stoi(text.substr(at, 2), nullptr, 16));
  return object;
}
