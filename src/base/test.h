/*
 * A test file is a plain program: TEST(name_is_a_sentence) { ... CHECK(...) ... } as often as needed. Tests register
 * themselves; main() is in test_main.c. Each prints "ok name" or "FAIL name file:line: what"; a failed CHECK ends its test.
 */
#ifndef BASE_TEST_H
#define BASE_TEST_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

struct test {
	const char	*name;
	void		(*run)(void);
	struct test	*next;
};

void test_add(struct test *t);
_Noreturn void test_fail(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Skip this test for a reason that the machine gives (a missing peer, no right to open a namespace). */
_Noreturn void test_skip(const char *why);
int test_main(int argc, char **argv);

#define TEST(fn)								\
	static void fn(void);							\
	static struct test test_##fn = { .name = #fn, .run = fn };		\
	__attribute__((constructor)) static void test_reg_##fn(void) { test_add(&test_##fn); } \
	static void fn(void)
#define TEST_MAIN int main(int argc, char **argv) { return test_main(argc, argv); }

#define CHECK(cond) do { if (!(cond)) test_fail(__FILE__, __LINE__, "%s", #cond); } while (0)
#define CHECK_INT(got, want) do {						\
	long long got_ = (long long)(got), want_ = (long long)(want);		\
	if (got_ != want_) test_fail(__FILE__, __LINE__, "%s is %lld, want %lld", #got, got_, want_); } while (0)
#define CHECK_STR(got, want) do { test_str(__FILE__, __LINE__, #got, (got), (want)); } while (0)
#define CHECK_BYTES(got, want, len) do { test_bytes(__FILE__, __LINE__, #got, (got), (want), (len)); } while (0)

void test_str(const char *file, int line, const char *what, const char *got, const char *want);
void test_bytes(const char *file, int line, const char *what, const void *got, const void *want, size_t len);
/* Bytes from hex text ("01 03 00 00"), blanks ignored; returns the count, fails the test on bad hex or no room. */
size_t test_hex(const char *hex, uint8_t *out, size_t max);
/* A fresh directory for this test, removed when the program ends. Static storage, valid until the next call. */
const char *test_dir(void);

#endif
