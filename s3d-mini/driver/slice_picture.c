/* A plane of values as a picture with axes and a colour bar. */
#include "canvas.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  plot_pixels = 512,                /* of the longer side, more where it has more points */
  least_pixels = 64,                /* of the shorter side */
  left = 96, top = 56, bottom = 64, /* margins */
  bar_gap = 24, bar_width = 24, right = bar_gap + bar_width + 132,
  tick = 6,
  text_gap = 6
};

/* Points of the "inferno" colour map (N. Smith & S. van der Walt, CC0): equal steps look equal. */
static const canvas_colour colour_map[] = {{0, 0, 4},      {20, 11, 53},  {58, 9, 99},    {96, 19, 110},
                                           {133, 33, 107}, {169, 46, 94}, {203, 65, 73},  {230, 93, 47},
                                           {247, 131, 17}, {252, 173, 18}, {245, 219, 75}, {252, 255, 164}};
static const canvas_colour black = {0, 0, 0};

static unsigned char between(unsigned char a, unsigned char b, double share) {
  return (unsigned char)(a + share * (b - a) + 0.5);
}

static canvas_colour colour_of(double fraction) {
  const int last = (int)(sizeof colour_map / sizeof *colour_map) - 1;
  const double x = (fraction > 0 ? (fraction < 1 ? fraction : 1) : 0) * last;
  const int at = x < last ? (int)x : last - 1;
  const canvas_colour a = colour_map[at], b = colour_map[at + 1];
  return (canvas_colour){between(a.red, b.red, x - at), between(a.green, b.green, x - at), between(a.blue, b.blue, x - at)};
}

/* The plane between its points: linear in each direction, constant beyond the outer points. */
static double value_at(const double *values, int nx, int ny, double x, double y) {
  const double cx = fmin(fmax(x, 0), nx - 1), cy = fmin(fmax(y, 0), ny - 1);
  const int x0 = (int)cx, y0 = (int)cy, x1 = x0 + 1 < nx ? x0 + 1 : x0, y1 = y0 + 1 < ny ? y0 + 1 : y0;
  const double *a = values + (size_t)nx * (size_t)y0, *b = values + (size_t)nx * (size_t)y1;
  return (1 - (cy - y0)) * (a[x0] + (cx - x0) * (a[x1] - a[x0])) + (cy - y0) * (b[x0] + (cx - x0) * (b[x1] - b[x0]));
}

/* 1, 2 or 5 times a power of ten, so that `range` has about five of it. */
static double tick_step(double range) {
  const double rough = range / 5, power = pow(10, floor(log10(rough))), digit = rough / power;
  return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

/* As short as tells ticks apart that lie `step` from each other. */
static void tick_label(char *text, size_t size, double value, double step, double largest) {
  if (fabs(value) < step / 2)
    snprintf(text, size, "0");
  else if (largest < 1e6 && step >= 1e-3)
    snprintf(text, size, "%.*f", step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9), value);
  else
    snprintf(text, size, "%.*e", (int)fmax(0, ceil(log10(largest / step) - 1e-9)), value);
}

/* Calls for each round value from low to high. */
typedef void tick_drawer(canvas *c, const void *where, double fraction, const char *label);

static void draw_ticks(canvas *c, const void *where, double low, double high, tick_drawer *draw) {
  char label[32];
  if (!(high > low)) return;
  const double step = tick_step(high - low), largest = fmax(fabs(low), fabs(high));
  for (double n = ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n++) {
    tick_label(label, sizeof label, n * step, step, largest);
    draw(c, where, (n * step - low) / (high - low), label);
  }
}

typedef struct {
  int x, y, width, height;
} area;

static void tick_below(canvas *c, const void *where, double fraction, const char *label) {
  const area *a = where;
  const int x = a->x + (int)(fraction * (a->width - 1) + 0.5), y = a->y + a->height;
  canvas_line(c, x, y, x, y + tick, black);
  canvas_text(c, x - canvas_text_width(label) / 2, y + tick + text_gap, label);
}

static void tick_left(canvas *c, const void *where, double fraction, const char *label) {
  const area *a = where;
  const int x = a->x - 1, y = a->y + (int)((1 - fraction) * (a->height - 1) + 0.5);
  canvas_line(c, x - tick, y, x, y, black);
  canvas_text(c, x - tick - text_gap - canvas_text_width(label), y - canvas_glyph_height / 2, label);
}

static void tick_right(canvas *c, const void *where, double fraction, const char *label) {
  const area *a = where;
  const int x = a->x + a->width, y = a->y + (int)((1 - fraction) * (a->height - 1) + 0.5);
  canvas_line(c, x, y, x + tick, y, black);
  canvas_text(c, x + tick + text_gap, y - canvas_glyph_height / 2, label);
}

static void draw_bar(canvas *c, area bar, double low, double high) {
  char label[32];
  for (int y = 0; y < bar.height; y++) {
    const canvas_colour colour = colour_of(high > low ? 1 - y / (double)(bar.height - 1) : 0);
    canvas_line(c, bar.x, bar.y + y, bar.x + bar.width - 1, bar.y + y, colour);
  }
  canvas_frame(c, bar.x, bar.y, bar.width, bar.height);
  draw_ticks(c, &bar, low, high, tick_right);
  if (high > low) return;
  snprintf(label, sizeof label, "%.6g", low);
  tick_right(c, &bar, 0.5, label);
}

/* As wide and high as the points' cells, a pixel or more for each of the longer side. */
static area plot_area(int nx, int ny, double dx, double dy) {
  const double longest = fmax(nx * dx, ny * dy);
  const int pixels = nx > ny ? nx : ny, side = pixels > plot_pixels ? pixels : plot_pixels;
  const int width = (int)(side * nx * dx / longest + 0.5), height = (int)(side * ny * dy / longest + 0.5);
  return (area){left, top, width > least_pixels ? width : least_pixels, height > least_pixels ? height : least_pixels};
}

/* values[x + nx*y], y upwards, in points dx and dy (mm) apart, over all their range, under two lines of text.
   Returns 0, or 1 when memory or the file system fails. */
int s3d_slice_picture(const char *path, const char *title, const char *subtitle, int nx, int ny, const double *values, double dx,
                      double dy) {
  const area plot = plot_area(nx, ny, dx, dy);
  const area bar = {left + plot.width + bar_gap, top, bar_width, plot.height};
  const int title_width = canvas_text_width(strlen(title) > strlen(subtitle) ? title : subtitle);
  const int picture_width = left + plot.width + right;
  canvas c = canvas_new(picture_width > left + title_width ? picture_width : left + title_width, top + plot.height + bottom);
  if (!c.pixels) return 1;
  double low = values[0], high = values[0];
  for (size_t i = 1; i < (size_t)nx * (size_t)ny; i++) {
    low = fmin(low, values[i]);
    high = fmax(high, values[i]);
  }
  for (int py = 0; py < plot.height; py++)
    for (int px = 0; px < plot.width; px++) {
      const double x = (px + 0.5) / plot.width * nx - 0.5, y = (plot.height - py - 0.5) / plot.height * ny - 0.5;
      const double v = value_at(values, nx, ny, x, y);
      canvas_set(&c, plot.x + px, plot.y + py, colour_of(high > low ? (v - low) / (high - low) : 0));
    }
  canvas_frame(&c, plot.x, plot.y, plot.width, plot.height);
  canvas_text(&c, left, text_gap, title);
  canvas_text(&c, left, 2 * text_gap + canvas_glyph_height, subtitle);
  /* Half a cell lies around the outer points. */
  draw_ticks(&c, &plot, -0.5 * dx, (nx - 0.5) * dx, tick_below);
  draw_ticks(&c, &plot, -0.5 * dy, (ny - 0.5) * dy, tick_left);
  canvas_text(&c, plot.x + (plot.width - canvas_text_width("x (mm)")) / 2,
              plot.y + plot.height + tick + 2 * text_gap + canvas_glyph_height, "x (mm)");
  canvas_text(&c, text_gap, plot.y - canvas_glyph_height - text_gap, "y (mm)");
  draw_bar(&c, bar, low, high);
  const int failed = canvas_write_png(&c, path);
  canvas_free(&c);
  return failed;
}
