/*
 * The store as a folder: opening it, its lock, reading and replacing its files, and the line that says what was changed
 * by whom. Everything written is written aside, synced and renamed, so that a reader without a lock (a gateway that
 * connects while a person trusts a certificate) sees the old or the new, never a part.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "pki/inside.h"

#define CHANGES_MAX	(1u << 20)	/* then changes.log becomes changes.log.1 */
#define REJECTS_BURST	20		/* strange certificates written to disk ... */
#define REJECTS_MS	60000		/* ... in so much time; the others are only logged */

static const char *const side_names[] = { [PKI_OT] = "ot", [PKI_IT] = "it" };

const char *
pki_side_name(enum pki_side side)
{
	return side_names[side];
}

int
pki_side_parse(const char *name, enum pki_side *out)
{
	for (size_t i = 0; i < sizeof side_names / sizeof side_names[0]; i++)
		if (strcmp(name, side_names[i]) == 0) {
			*out = (enum pki_side)i;
			return 0;
		}
	return ERR_SYNTAX;
}

int
pki_fail(struct pki *p, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->why, sizeof p->why, fmt, ap);
	va_end(ap);
	return err;
}

const char *
pki_why(const struct pki *p)
{
	return p->why;
}

const char *
pki_dir(const struct pki *p)
{
	return p->dir;
}

void
pki_set_actor(struct pki *p, const char *actor)
{
	snprintf(p->actor, sizeof p->actor, "%s", actor);
	cert_clean(p->actor);
}

void
pki_path(const struct pki *p, char out[PKI_PATH], const char *rel)
{
	snprintf(out, PKI_PATH, "%s/%s", p->dir, rel);
}

static int
make_folders(struct pki *p, const char *state)
{
	static const char *const folders[] = { "", "own", "trusted", "trusted/certs", "trusted/crl", "issuers",
		"issuers/certs", "issuers/crl", "rejected" };
	char path[PKI_PATH];

	snprintf(path, sizeof path, "%s/pki", state);
	int err = p->disk->mkdir(p->disk->ctx, path);
	for (size_t i = 0; err == 0 && i < sizeof folders / sizeof folders[0]; i++) {
		pki_path(p, path, folders[i]);
		if (folders[i][0] == '\0')
			snprintf(path, sizeof path, "%s", p->dir);
		err = p->disk->mkdir(p->disk->ctx, path);
	}
	if (err == 0)
		return 0;
	return pki_fail(p, err, "the folder %s for certificates cannot be made: %s; check that the state directory %s is there and is "
	    "writable by the user who runs penstock", path, err_text(err), state);
}

int
pki_open(const char *state, enum pki_side side, const struct disk *disk, struct pki **out)
{
	struct pki *p = calloc(1, sizeof *p);

	*out = p;
	if (p == NULL)
		return ERR_NOMEM;
	p->disk = disk != NULL ? disk : &disk_os;
	p->side = side;
	p->lock_fd = -1;
	p->rejects = (struct log_limit){ .burst = REJECTS_BURST, .period_ms = REJECTS_MS };
	pki_set_actor(p, "the gateway");
	int n = snprintf(p->dir, sizeof p->dir, "%s/pki/%s", state, pki_side_name(side));
	if (n < 0 || (size_t)n >= sizeof p->dir)
		return pki_fail(p, ERR_LIMIT, "the name of the state directory is too long for a certificate store (%zu bytes at most)",
		    sizeof p->dir - sizeof "/pki/ot");
	return make_folders(p, state);
}

void
pki_close(struct pki *p)
{
	if (p == NULL)
		return;
	pki_unlock(p);
	for (size_t i = 0; i < PKI_PLACES; i++)
		pki_files_free(&p->cache[i].files);
	free(p);
}

int
pki_lock(struct pki *p, int wait_ms)
{
	char path[PKI_PATH];
	long holder = 0;

	pki_path(p, path, ".lock");
	int fd = p->disk->open(p->disk->ctx, path, DISK_READ | DISK_WRITE | DISK_CREATE);
	int err = fd < 0 ? fd : p->disk->lock_owned(p->disk->ctx, fd, &holder);
	for (int waited = 0; err == ERR_BUSY && waited < wait_ms; waited += 20) {
		mono_sleep(20 * NS_PER_MS);
		err = p->disk->lock_owned(p->disk->ctx, fd, &holder);
	}
	if (err == 0) {
		p->lock_fd = fd;
		return 0;
	}
	if (fd >= 0)
		p->disk->close(p->disk->ctx, fd);
	if (err == ERR_BUSY)
		return pki_fail(p, err, "process %ld is changing the certificates in %s; try again when it is done", holder, p->dir);
	return pki_fail(p, err, "%s cannot be locked: %s; run as the user of the service, or as root", path, err_text(err));
}

void
pki_unlock(struct pki *p)
{
	if (p->lock_fd >= 0)
		p->disk->close(p->disk->ctx, p->lock_fd);
	p->lock_fd = -1;
}

int
pki_read(const struct pki *p, const char *path, size_t max, uint8_t **out, size_t *len, bool *exposed)
{
	const struct disk *d = p->disk;
	struct disk_stat st = { 0 };
	uint8_t *bytes = NULL;

	*out = NULL;
	*len = 0;
	int fd = d->open(d->ctx, path, DISK_READ);
	if (fd < 0)
		return fd;
	int err = d->fstat(d->ctx, fd, &st);
	if (err == 0 && (st.is_dir || st.size > max))
		err = st.is_dir ? ERR_TYPE : ERR_LIMIT;
	if (err == 0 && (bytes = malloc((size_t)st.size + 1)) == NULL)
		err = ERR_NOMEM;
	if (err == 0)
		err = disk_read_all(d, fd, bytes, (size_t)st.size, 0);
	d->close(d->ctx, fd);
	if (err != 0) {
		pki_wipe(bytes, (size_t)st.size);
		return err == ERR_END ? ERR_CORRUPT : err;
	}
	bytes[st.size] = '\0';
	*out = bytes;
	*len = (size_t)st.size;
	if (exposed != NULL)
		*exposed = st.exposed;
	return 0;
}

void
pki_wipe(void *bytes, size_t len)
{
	if (bytes != NULL)
		OPENSSL_cleanse(bytes, len);
	free(bytes);
}

int
pki_write(const struct pki *p, const char *path, const void *bytes, size_t len, bool secret)
{
	const struct disk *d = p->disk;
	char aside[PKI_PATH + 8];

	snprintf(aside, sizeof aside, "%s.new", path);
	d->unlink(d->ctx, aside);	/* of a crash; its rights are not to be ours */
	int fd = d->open(d->ctx, aside, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCL | (secret ? DISK_PRIVATE : 0));
	if (fd < 0)
		return fd;
	int err = disk_write_all(d, fd, bytes, len, 0);
	if (err == 0)
		err = d->sync(d->ctx, fd);
	int closed = d->close(d->ctx, fd);
	err = err != 0 ? err : closed;
	if (err == 0)
		err = d->rename(d->ctx, aside, path);
	if (err != 0) {
		d->unlink(d->ctx, aside);
		return err;
	}
	return disk_sync_parent(d, path);
}

bool
pki_exists(const struct pki *p, const char *path)
{
	struct disk_stat st;

	return p->disk->stat(p->disk->ctx, path, &st) == 0;
}

/* Appended in place: a torn last line after a power cut hurts no reader, and the log of the process has it too. */
static int
append_change(const struct pki *p, const char *line, size_t len)
{
	const struct disk *d = p->disk;
	char path[PKI_PATH], old[PKI_PATH + 8];
	struct disk_stat st = { 0 };

	pki_path(p, path, "changes.log");
	if (d->stat(d->ctx, path, &st) == 0 && st.size > CHANGES_MAX) {
		snprintf(old, sizeof old, "%s.1", path);
		d->rename(d->ctx, path, old);
	}
	int fd = d->open(d->ctx, path, DISK_READ | DISK_WRITE | DISK_CREATE);
	if (fd < 0)
		return fd;
	int err = d->fstat(d->ctx, fd, &st);
	if (err == 0)
		err = disk_write_all(d, fd, line, len, st.size);
	if (err == 0)
		err = d->sync(d->ctx, fd);
	d->close(d->ctx, fd);
	return err;
}

static void (*tell_change)(const struct pki_change *c);

void
pki_on_change(void (*told)(const struct pki_change *c))
{
	tell_change = told;
}

void
pki_note(struct pki *p, const char *action, const char *subject, const char *sha1, const char *detail, struct wall now)
{
	char line[1024], when[WALL_TEXT];

	int n = snprintf(line, sizeof line, "%s %s by=\"%s\" subject=\"%s\" sha1=%s %s\n", wall_format(now, 0, when), action, p->actor,
	    subject, sha1, detail);
	int err = append_change(p, line, n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
	if (err != 0)
		log_warn("certificates_changes_log", "dir=\"%s\" err=%s remedy=\"make room, or give the user of the service the right to write\"",
		    p->dir, err_name(err));
	log_info("certificate_changed", "action=%s side=%s by=\"%s\" subject=\"%s\" sha1=%s %s", action, pki_side_name(p->side), p->actor,
	    subject, sha1, detail);
	if (tell_change != NULL)
		tell_change(&(struct pki_change){ .side = pki_side_name(p->side), .what = action, .by = p->actor,
		    .subject = subject, .sha1 = sha1, .detail = detail });
}
