/* The runner behind test.h. `foo_test` runs all, `foo_test name...` runs some, and the exit status counts failures. */
#include "base/test.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct test	*first, **last = &first;
static jmp_buf		 back;
static const char	*current;
static char		 dirs[64][64];
static size_t		 ndirs;

enum { RAN = 0, FAILED = 1, SKIPPED = 2 };

void
test_add(struct test *t)
{
	*last = t;
	last = &t->next;
}

void
test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	printf("FAIL %s %s:%d: ", current, file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	longjmp(back, FAILED);
}

void
test_skip(const char *why)
{
	printf("skip %s: %s\n", current, why);
	longjmp(back, SKIPPED);
}

void
test_str(const char *file, int line, const char *what, const char *got, const char *want)
{
	if (got == NULL || strcmp(got, want) != 0)
		test_fail(file, line, "%s is \"%s\", want \"%s\"", what, got ? got : "(null)", want);
}

void
test_bytes(const char *file, int line, const char *what, const void *got, const void *want, size_t len)
{
	const uint8_t *g = got, *w = want;
	for (size_t i = 0; i < len; i++)
		if (g[i] != w[i])
			test_fail(file, line, "%s differs at byte %zu of %zu: %02x, want %02x", what, i, len, g[i], w[i]);
}

size_t
test_hex(const char *hex, uint8_t *out, size_t max)
{
	size_t n = 0;
	for (; *hex != '\0'; hex++) {
		unsigned v;
		if (*hex == ' ' || *hex == '\n')
			continue;
		if (n == max || sscanf(hex, "%2x", &v) != 1)
			test_fail(__FILE__, __LINE__, "bad hex at \"%s\"", hex);
		out[n++] = (uint8_t)v;
		hex++;
	}
	return n;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

const char *
test_dir(void)
{
	if (ndirs == sizeof dirs / sizeof dirs[0])
		test_fail(__FILE__, __LINE__, "too many test directories");
	char *d = dirs[ndirs];
	snprintf(d, sizeof dirs[0], "/tmp/penstock-test-XXXXXX");
	if (mkdtemp(d) == NULL)
		test_fail(__FILE__, __LINE__, "mkdtemp failed");
	ndirs++;
	return d;
}

static int
wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(name, argv[i]) == 0)
			return 1;
	return argc == 1;
}

/* One test, in a frame of its own, so that the jump back clobbers nothing that is still needed. */
static int
run_one(const struct test *t)
{
	current = t->name;
	int how = setjmp(back);
	if (how == RAN) {
		t->run();
		printf("ok %s\n", t->name);
	}
	return how;
}

int
test_main(int argc, char **argv)
{
	int count[3] = { 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (struct test *t = first; t != NULL; t = t->next) {
		if (wanted(t->name, argc, argv))
			count[run_one(t)]++;
	}
	for (size_t i = 0; i < ndirs; i++)
		nftw(dirs[i], remove_one, 16, FTW_DEPTH | FTW_PHYS);
	printf("%d passed, %d failed, %d skipped\n", count[RAN], count[FAILED], count[SKIPPED]);
	return count[FAILED] != 0 || count[RAN] + count[SKIPPED] == 0;
}
