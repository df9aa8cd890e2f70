/* Any bytes as a file that a person brings, or as a thumbprint: never a crash, and what was imported is listed and described. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "os/disk_sim.h"
#include "pki/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen { unsigned certs, bad; };

static int
each(void *arg, const struct pki_item *it)
{
	struct seen *s = arg;
	struct buf out = { 0 };

	s->bad += it->err != 0;
	s->certs += it->der != NULL;
	if (it->der != NULL && pki_describe(it->der, it->der_len, (struct wall){ 1780272000LL * NS_PER_S }, &out) != 0)
		abort();
	for (size_t i = 0; i < out.len; i++)
		if ((unsigned char)out.p[i] < 0x20 && out.p[i] != '\n')
			abort();
	buf_fini(&out);
	return 0;
}

static void
try_print(const uint8_t *data, size_t size)
{
	struct pki_print print;
	char text[100];
	size_t n = size < sizeof text ? size : sizeof text - 1;

	memcpy(text, data, n);
	text[n] = '\0';
	if (pki_print_parse(text, &print) == 0 && (print.len < 8 || print.len > 64 || strlen(print.hex) != print.len))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct wall now = { 1780272000LL * NS_PER_S };
	struct pki_imported got;
	struct seen file = { 0 }, store = { 0 };
	struct disk_sim *s = disk_sim_new();
	const struct disk *d = disk_sim_table(s);
	struct pki *p;

	log_open("fuzz", LOG_LEVEL_ERROR);
	if (d->mkdir(d->ctx, "/s") != 0 || pki_open("/s", PKI_IT, d, &p) != 0)
		abort();
	if (size > 0)
		try_print(data, size);
	pki_each_in(data, size, now, each, &file);
	int err = pki_import(p, data, size, PKI_AS_TRUSTED, now, &got);
	pki_each(p, now, each, &store);
	/* All or nothing; the same certificate twice is one file. */
	if (store.bad != 0 || (err != 0 && store.certs != 0) || (err == 0 && (store.certs > file.certs || (file.certs > 0 && store.certs == 0))))
		abort();
	pki_close(p);
	disk_sim_free(s);
	return 0;
}
