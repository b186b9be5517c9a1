/* A picture in memory: pixels, lines and text. */
#ifndef S3D_CANVAS_H
#define S3D_CANVAS_H

typedef struct {
  unsigned char red, green, blue;
} canvas_colour;

typedef struct {
  int width, height;
  canvas_colour *pixels; /* row by row from the top; NULL when memory ran out */
} canvas;

enum { canvas_glyph_width = 12, canvas_glyph_height = 14 };

/* A white canvas. Free it with canvas_free. */
canvas canvas_new(int width, int height);
void canvas_free(canvas *c);

/* Drawing outside the canvas is passed over. */
void canvas_set(canvas *c, int x, int y, canvas_colour colour);
/* A rectangle of a line's width around the area x..x+width-1, y..y+height-1. */
void canvas_frame(canvas *c, int x, int y, int width, int height);
void canvas_line(canvas *c, int x0, int y0, int x1, int y1, canvas_colour colour);
/* Text in black with its top left corner at x, y; ASCII, other bytes are drawn as '?'. */
void canvas_text(canvas *c, int x, int y, const char *text);
int canvas_text_width(const char *text);

/* 0, or 1 when memory or the file system failed. */
int canvas_write_png(const canvas *c, const char *path);

#endif
