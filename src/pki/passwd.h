/*
 * Passwords as files keep them: salted and hashed with scrypt (RFC 7914), so that a stolen file is not a list of passwords. A file has a line a
 * user, "name:scrypt:14:8:1:<salt>:<hash>" (log2 N, r, p; base64); empty lines and those that begin with # are passed over.
 */
#ifndef PKI_PASSWD_H
#define PKI_PASSWD_H

#include <stdbool.h>

#include "base/buf.h"

#define PASSWD_NAME_MAX	63u
#define PASSWD_LEN_MIN	8u		/* bytes of a password that is set anew */
#define PASSWD_LEN_MAX	1024u
#define PASSWD_FILE_MAX	(1u << 20)

/* Append the hash of a password ("scrypt:...") to out. Takes some tens of milliseconds and 16 MiB, both on purpose. 0, ERR_LIMIT, ERR_NOMEM. */
int passwd_hash(const char *password, size_t len, struct buf *out);
/* Is it this password? Compares in constant time. 0, ERR_DENIED, or ERR_SYNTAX for a hash that is none (costs beyond ours are refused). */
int passwd_check(const char *hash, const char *password, size_t len);
/* The hash of a user in the text of a file, borrowed and NUL-ended in out (size bytes). ERR_NOTFOUND; ERR_LIMIT: longer than size. */
int passwd_find(const char *file, const char *name, char *out, size_t size);
/* May this be a user's name: 1 to PASSWD_NAME_MAX letters, digits and . _ - @, first no punctuation? */
bool passwd_name_ok(const char *name);
/* Append the file with this user's line replaced or added. */
void passwd_put(const char *file, const char *name, const char *hash, struct buf *out);

#endif
