/* What tests share that read what the library writes to the standard error. */
#ifndef HEARING_H
#define HEARING_H

#include "testing.h"
#include <time.h>
#include <unistd.h>

static FILE *told;
static int told_before;

/* From here on what is written there is kept. */
static inline void listen(void)
{
  fflush(stderr);
  told = tmpfile();
  told_before = dup(STDERR_FILENO);
  CHECK(told != NULL && told_before >= 0);
  CHECK(dup2(fileno(told), STDERR_FILENO) >= 0);
}

/* What was written since; until this is called again. */
static inline const char *heard(void)
{
  static char text[4096];
  size_t length;
  fflush(stderr);
  dup2(told_before, STDERR_FILENO);
  close(told_before);
  rewind(told);
  length = fread(text, 1, sizeof text - 1, told);
  text[length] = 0;
  fclose(told);
  return text;
}

static inline void rest(double seconds)
{
  struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&time, NULL);
}

#endif
