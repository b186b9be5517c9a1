/* A canvas as an 8-bit RGB picture in PNG (ISO/IEC 15948), compressed by zlib. */
#include "canvas.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void put_big_endian(unsigned char *p, uint32_t v) {
  p[0] = (unsigned char)(v >> 24);
  p[1] = (unsigned char)(v >> 16);
  p[2] = (unsigned char)(v >> 8);
  p[3] = (unsigned char)v;
}

static int write_chunk(FILE *file, const char *type, const unsigned char *data, uint32_t length) {
  unsigned char head[8], tail[4];
  put_big_endian(head, length);
  memcpy(head + 4, type, 4);
  uLong crc = crc32(crc32(0, NULL, 0), head + 4, 4);
  if (length > 0) crc = crc32(crc, data, length);
  put_big_endian(tail, (uint32_t)crc);
  return fwrite(head, 1, 8, file) == 8 && fwrite(data, 1, length, file) == length && fwrite(tail, 1, 4, file) == 4;
}

/* Rows of RGB, each after a byte that says "no filter". */
static unsigned char *scanlines(const canvas *c, size_t row) {
  unsigned char *raw = malloc(row * (size_t)c->height);
  if (!raw) return NULL;
  for (int y = 0; y < c->height; y++) {
    unsigned char *at = raw + row * (size_t)y;
    *at++ = 0;
    for (int x = 0; x < c->width; x++) {
      const canvas_colour pixel = c->pixels[(size_t)y * (size_t)c->width + (size_t)x];
      *at++ = pixel.red;
      *at++ = pixel.green;
      *at++ = pixel.blue;
    }
  }
  return raw;
}

int canvas_write_png(const canvas *c, const char *path) {
  static const unsigned char signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  const size_t row = 1 + 3 * (size_t)c->width, size = row * (size_t)c->height;
  if (!c->pixels) return 1;
  unsigned char *raw = scanlines(c, row);
  uLongf packed_size = compressBound((uLong)size);
  unsigned char *packed = malloc(packed_size);
  FILE *file = raw && packed ? fopen(path, "wb") : NULL;
  int good = file != NULL;
  if (good) {
    unsigned char header[13] = {0};
    put_big_endian(header, (uint32_t)c->width);
    put_big_endian(header + 4, (uint32_t)c->height);
    header[8] = 8; /* bits a channel */
    header[9] = 2; /* RGB */
    good = compress2(packed, &packed_size, raw, (uLong)size, 6) == Z_OK && fwrite(signature, 1, 8, file) == 8 &&
           write_chunk(file, "IHDR", header, 13) && write_chunk(file, "IDAT", packed, (uint32_t)packed_size) &&
           write_chunk(file, "IEND", header, 0);
    good = fclose(file) == 0 && good;
  }
  free(raw);
  free(packed);
  return good ? 0 : 1;
}
