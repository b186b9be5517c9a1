/* 8-bit RGB pictures of a plane of values as PNG (ISO/IEC 15948), compressed by zlib. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Points of the "inferno" colour map (N. Smith & S. van der Walt, CC0): equal steps look equal. */
static const unsigned char colour_map[][3] = {
    {0, 0, 4},     {20, 11, 53},   {58, 9, 99},    {96, 19, 110},  {133, 33, 107},  {169, 46, 94},
    {203, 65, 73}, {230, 93, 47},  {247, 131, 17}, {252, 173, 18}, {245, 219, 75}, {252, 255, 164}};

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

static void colour_of(double fraction, unsigned char *rgb) {
  const int last = (int)(sizeof colour_map / sizeof *colour_map) - 1;
  const double x = (fraction > 0 ? (fraction < 1 ? fraction : 1) : 0) * last;
  const int at = x < last ? (int)x : last - 1;
  for (int c = 0; c < 3; c++)
    rgb[c] = (unsigned char)(colour_map[at][c] + (x - at) * (colour_map[at + 1][c] - colour_map[at][c]) + 0.5);
}

/* values[x + nx*y], y upwards, mapped from [low, high]; each value becomes scale x scale pixels, bilinearly smoothed.
   Returns 0, or 1 when memory or the file system fails. */
int s3d_png_write(const char *path, int nx, int ny, const double *values, double low, double high, int scale) {
  static const unsigned char signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  const int width = nx * scale, height = ny * scale;
  const size_t row = 1 + 3 * (size_t)width;
  unsigned char *raw = malloc(row * (size_t)height);
  uLongf packed_size = compressBound((uLong)(row * (size_t)height));
  unsigned char *packed = malloc(packed_size);
  FILE *file = raw && packed ? fopen(path, "wb") : NULL;
  int good = file != NULL;
  if (good) {
    const double range = high > low ? high - low : 1;
    for (int py = 0; py < height; py++) {
      unsigned char *line = raw + row * (size_t)py;
      const double y = (height - 1 - py + 0.5) / scale - 0.5;
      const int y0 = y < 0 ? 0 : (int)y, y1 = y0 + 1 < ny ? y0 + 1 : y0;
      const double fy = y < 0 ? 0 : y - y0;
      line[0] = 0;
      for (int px = 0; px < width; px++) {
        const double x = (px + 0.5) / scale - 0.5;
        const int x0 = x < 0 ? 0 : (int)x, x1 = x0 + 1 < nx ? x0 + 1 : x0;
        const double fx = x < 0 ? 0 : x - x0;
        const double *a = values + (size_t)nx * (size_t)y0, *b = values + (size_t)nx * (size_t)y1;
        const double v = (1 - fy) * ((1 - fx) * a[x0] + fx * a[x1]) + fy * ((1 - fx) * b[x0] + fx * b[x1]);
        colour_of((v - low) / range, line + 1 + 3 * px);
      }
    }
    unsigned char header[13] = {0};
    put_big_endian(header, (uint32_t)width);
    put_big_endian(header + 4, (uint32_t)height);
    header[8] = 8; /* bits a channel */
    header[9] = 2; /* RGB */
    good = compress2(packed, &packed_size, raw, (uLong)(row * (size_t)height), 6) == Z_OK &&
           fwrite(signature, 1, 8, file) == 8 && write_chunk(file, "IHDR", header, 13) &&
           write_chunk(file, "IDAT", packed, (uint32_t)packed_size) && write_chunk(file, "IEND", header, 0);
    good = fclose(file) == 0 && good;
  }
  free(raw);
  free(packed);
  return good ? 0 : 1;
}
