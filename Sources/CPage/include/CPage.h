#ifndef APUS_CPAGE_H
#define APUS_CPAGE_H

#include <stddef.h>

/// A file of the live page, as it stood in the repository (or in Debian's package node-xterm) when this was compiled.
struct page_file {
  /// `main.js`; of xterm.js's modules `xterm/public/Terminal.js`.
  const char *name;
  const unsigned char *bytes;
  size_t size;
};

/// All files, in the order of page.c; they live as long as the process.
/// `*count` becomes their number.
const struct page_file *page_files(size_t *count);

/// Compresses `size` bytes as gzip does.
///
/// Returns the size of what was written to `out`, or 0 when it is more than `room` bytes or memory is short.
size_t page_gzip(const unsigned char *bytes, size_t size, unsigned char *out, size_t room);

#endif
