/* The system calls that newlib wants: memory between two marks of the linker, and no files. */
#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

extern char _heap_low, _heap_end;

void *_sbrk(ptrdiff_t bytes);
int _write(int file, const char *text, int bytes);
int _read(int file, char *text, int bytes);
int _close(int file);
int _lseek(int file, int offset, int origin);
int _fstat(int file, struct stat *status);
int _isatty(int file);
int _getpid(void);
int _kill(int process, int signal);
void _exit(int code);

void *_sbrk(ptrdiff_t bytes)
{
  static char *end = &_heap_low;
  char *before = end;
  if (bytes > &_heap_end - end || bytes < &_heap_low - end) {
    errno = ENOMEM;
    return (void *)-1;
  }
  end += bytes;
  return before;
}

int _write(int file, const char *text, int bytes)
{
  (void)file, (void)text;
  return bytes;
}

int _read(int file, char *text, int bytes)
{
  (void)file, (void)text, (void)bytes;
  return 0;
}

int _close(int file)
{
  (void)file;
  return -1;
}

int _lseek(int file, int offset, int origin)
{
  (void)file, (void)offset, (void)origin;
  return 0;
}

int _fstat(int file, struct stat *status)
{
  (void)file;
  status->st_mode = S_IFCHR;
  return 0;
}

int _isatty(int file)
{
  (void)file;
  return 1;
}

int _getpid(void)
{
  return 1;
}

int _kill(int process, int signal)
{
  (void)process, (void)signal;
  return -1;
}

void _exit(int code)
{
  (void)code;
  for (;;) __asm__ volatile("wfi");
}
