/*
 * Any bytes as a peer's chain, as the certificate that is trusted, and as a revocation list: u16 length of the chain, the
 * chain, u16 length of the trusted file, that file, the list. Never a crash; nobody is good without a trusted file; a text
 * for people holds nothing that a terminal would obey.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "os/disk_sim.h"
#include "pki/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put(const struct disk *d, const char *path, const uint8_t *p, size_t len)
{
	if (len > 0 && disk_replace(d, path, p, len) != 0)
		abort();
}

static void
check(const struct pki_verdict *v, int err, bool anybody)
{
	if (err != v->err || (err == 0) != (v->status == PKI_Good) || (err == 0 && !anybody) || strlen(v->text) >= sizeof v->text)
		abort();
	for (const char *p = v->text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = rd_init(data, size);
	struct reader chain = rd_sub(&r, rd_be16(&r)), trusted = rd_sub(&r, rd_be16(&r));
	struct disk_sim *s;
	struct pki_verdict v;
	struct pki *p;

	if (r.err != 0)
		return 0;
	log_open("fuzz", LOG_LEVEL_ERROR);
	s = disk_sim_new();
	const struct disk *d = disk_sim_table(s);
	if (d->mkdir(d->ctx, "/s") != 0 || pki_open("/s", PKI_OT, d, &p) != 0)
		abort();
	put(d, "/s/pki/ot/trusted/certs/a.der", trusted.p, rd_left(&trusted));
	put(d, "/s/pki/ot/trusted/crl/a.crl", r.p, rd_left(&r));
	/* Within the corpus' time: 2026-06-01. */
	struct pki_peer peer = { .chain = chain.p, .len = rd_left(&chain), .role = PKI_SERVER, .from = "opc.tcp://filler", .host = "filler",
		.uri = "urn:filler:plc", .ca_as_peer = true, .now = { 1780272000LL * NS_PER_S } };
	int err = pki_verify(p, &peer, &v);
	check(&v, err, rd_left(&trusted) > 0);
	peer.crl_optional = true;
	err = pki_verify(p, &peer, &v);
	check(&v, err, rd_left(&trusted) > 0);
	pki_close(p);
	disk_sim_free(s);
	return 0;
}
