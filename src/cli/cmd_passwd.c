/*
 * `penstock passwd FILE NAME`: set a user's password in a file that a sink's password-file names. The file is written
 * in place, never replaced: the office's cage admits this very file and no other.
 */
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/cli.h"
#include "os/disk.h"
#include "os/file.h"
#include "os/terminal.h"
#include "os/who.h"
#include "pki/passwd.h"

static const char usage[] =
	"usage: penstock passwd FILE NAME\n"
	"Set the password of a user in FILE, which is made if it is not there. Asks for the password twice; where standard\n"
	"input is no terminal it is one line of it. The file keeps a salted hash, never the password.\n";

static int
ask(struct buf *password)
{
	struct buf again = { 0 };
	bool twice = false;

	int err = terminal_secret("New password: ", PASSWD_LEN_MAX, password);
	if (err == 0 && password->len < PASSWD_LEN_MIN) {
		fprintf(stderr, "penstock: a password has at least %u characters\n", PASSWD_LEN_MIN);
		err = ERR_LIMIT;
	} else if (err == 0 && terminal_is_one()) {
		twice = true;
		err = terminal_secret("Once more: ", PASSWD_LEN_MAX, &again);
	} else if (err != 0)
		fprintf(stderr, "penstock: the password cannot be read: %s\n", err_text(err));
	if (err == 0 && twice && (again.len != password->len || memcmp(again.p, password->p, again.len) != 0)) {
		fputs("penstock: these were two different passwords; nothing was changed\n", stderr);
		err = ERR_DENIED;
	}
	if (again.p != NULL)
		OPENSSL_cleanse(again.p, again.cap);
	buf_fini(&again);
	return err;
}

static int
write_in_place(const char *path, const struct buf *text)
{
	const struct disk *d = &disk_os;
	int fd = d->open(d->ctx, path, DISK_CREATE | DISK_WRITE | DISK_PRIVATE);

	if (fd < 0)
		return fd;
	int err = disk_write_all(d, fd, text->p, text->len, 0);
	if (err == 0)
		err = d->truncate(d->ctx, fd, text->len);
	if (err == 0)
		err = d->sync(d->ctx, fd);
	d->close(d->ctx, fd);
	return err;
}

int
cmd_passwd(int argc, char **argv)
{
	struct buf file = { 0 }, password = { 0 }, hash = { 0 }, text = { 0 };

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return cli_usage(usage, true);
	if (argc != 3 || argv[1][0] == '-')
		return cli_usage(usage, false);
	if (!passwd_name_ok(argv[2])) {
		fprintf(stderr, "penstock: \"%s\" is no user name: letters, digits and . _ - @, at most %u\n",
		    argv[2], PASSWD_NAME_MAX);
		return EXIT_CANNOT;
	}
	int err = file_read(argv[1], PASSWD_FILE_MAX, &file);
	bool fresh = err == ERR_NOTFOUND;
	if (fresh)
		err = 0;
	else if (err == 0)
		err = who_become_owner(argv[1]);
	if (err != 0)
		fprintf(stderr, "penstock: %s cannot be read: %s\n", argv[1], err_text(err));
	else if ((err = ask(&password)) == 0) {
		err = passwd_hash(password.p, password.len, &hash);
		if (err == 0)
			passwd_put(buf_text(&file), argv[2], buf_text(&hash), &text);
		if (err == 0 && (err = text.err) == 0)
			err = write_in_place(argv[1], &text);
		if (err != 0)
			fprintf(stderr, "penstock: %s cannot be written: %s\n", argv[1], err_text(err));
		else if (fresh && geteuid() == 0)
			fprintf(stderr, "penstock: %s was made and belongs to root; the user of the service must read it: chown it to that user\n", argv[1]);
	}
	if (password.p != NULL)
		OPENSSL_cleanse(password.p, password.cap);
	buf_fini(&file);
	buf_fini(&password);
	buf_fini(&hash);
	buf_fini(&text);
	return err == 0 ? EXIT_OK : EXIT_CANNOT;
}
