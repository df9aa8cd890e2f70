/* Any bytes as a password file: a user is found or not, a hash is one or not, and a line that is put in is what is found again. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "pki/passwd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf file = { 0 }, out = { 0 };
	char hash[256], again[256];

	buf_put(&file, data, size);
	if (passwd_find(buf_text(&file), "ann", hash, sizeof hash) == 0) {
		/* What may be a hash takes its tens of milliseconds, so only what is none is looked at here. */
		if ((strncmp(hash, "scrypt:", 7) != 0 || strspn(hash + 7, " \t\v\f\r+0123456789") == 0) && passwd_check(hash, "secret", 6) != ERR_SYNTAX)
			abort();
		passwd_put(buf_text(&file), "ann", hash, &out);
	} else
		passwd_put(buf_text(&file), "ann", "hash", &out);
	if (passwd_find(buf_text(&out), "ann", again, sizeof again) != 0)
		abort();
	buf_fini(&file);
	buf_fini(&out);
	return 0;
}
