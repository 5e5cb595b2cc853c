/* Error numbers as text. glibc's *_np functions return constant strings: no locale, no buffer, no lock. */
#include <string.h>

#include "CLinux.h"

const char *clinux_error_text(int code) {
  const char *text = strerrordesc_np(code);
  return text != NULL ? text : "Unknown error";
}

const char *clinux_error_name(int code) { return strerrorname_np(code); }
