/* Passwords in files. The known hash was made with Python's hashlib.scrypt, a foreign caller of the same function. */
#include "pki/passwd.h"

#include <string.h>

#include "base/err.h"
#include "base/test.h"

static int
check(const char *hash, const char *password)
{
	return passwd_check(hash, password, strlen(password));
}

TEST(a_foreign_scrypt_hash_is_understood)
{
	/* hashlib.scrypt(b"correct horse", salt=b"0123456789abcdef", n=16384, r=8, p=1, dklen=32) */
	static const char known[] = "scrypt:14:8:1:MDEyMzQ1Njc4OWFiY2RlZg==:0LupyHkzAIgDr9UDsriAAf87vMbCbcaUfDvFOAHk0D0=";
	CHECK_INT(check(known, "correct horse"), 0);
	CHECK_INT(check(known, "correct horsE"), ERR_DENIED);
	CHECK_INT(check(known, ""), ERR_DENIED);
}

TEST(the_same_password_hashes_differently_each_time)
{
	struct buf a = { 0 }, b = { 0 };

	CHECK_INT(passwd_hash("secret-1", 8, &a), 0);
	CHECK_INT(passwd_hash("secret-1", 8, &b), 0);
	CHECK(strcmp(buf_text(&a), buf_text(&b)) != 0);
	CHECK_INT(check(buf_text(&a), "secret-1"), 0);
	CHECK_INT(check(buf_text(&b), "secret-1"), 0);
	CHECK_INT(check(buf_text(&a), "secret-2"), ERR_DENIED);
	buf_fini(&a);
	buf_fini(&b);
}

TEST(what_is_no_hash_lets_nobody_in)
{
	static const char *const bad[] = { "", "secret", "scrypt:", "scrypt:14:8:1:", "scrypt:14:8:1::", "scrypt:30:8:1:MDEyMzQ1Njc4OWFiY2RlZg==:aaaa",
	    "scrypt:14:8:1:MDEyMzQ1Njc4OWFiY2RlZg==:YWJj", "scrypt:14:8:99:MDEyMzQ1Njc4OWFiY2RlZg==:YWJj", "scrypt:14:8:1:!!:!!" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_INT(check(bad[i], ""), ERR_SYNTAX);
}

TEST(a_user_is_found_and_replaced_by_whole_name)
{
	static const char file[] = "# users\nann:h1\nanna:h2\r\nbob:h3";
	char hash[16];
	struct buf out = { 0 };

	CHECK_INT(passwd_find(file, "ann", hash, sizeof hash), 0);
	CHECK_STR(hash, "h1");
	CHECK_INT(passwd_find(file, "anna", hash, sizeof hash), 0);
	CHECK_STR(hash, "h2");
	CHECK_INT(passwd_find(file, "an", hash, sizeof hash), ERR_NOTFOUND);
	passwd_put(file, "anna", "new", &out);
	CHECK_STR(buf_text(&out), "# users\nann:h1\nanna:new\nbob:h3");
	buf_reset(&out);
	passwd_put(file, "carl", "h4", &out);
	CHECK_STR(buf_text(&out), "# users\nann:h1\nanna:h2\r\nbob:h3\ncarl:h4\n");
	buf_fini(&out);
}

TEST(names_are_plain)
{
	CHECK(passwd_name_ok("maria"));
	CHECK(passwd_name_ok("scada-01@plant"));
	CHECK(!passwd_name_ok(""));
	CHECK(!passwd_name_ok("a:b"));
	CHECK(!passwd_name_ok("a b"));
	CHECK(!passwd_name_ok("#a"));
}

TEST_MAIN
