/* See bond.h. */
#include "link/bond.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

int
bond_show(struct pki *p, const char *name, const char *peer, const char *site, struct wall wall, struct pki_own *own)
{
	char when[WALL_TEXT];
	int err = 0;

	if (own->cert == NULL || own->generation != pki_shown_generation(p, peer)) {
		pki_own_fini(own);
		err = pki_own_generation(p) == 0 ? pki_node_own(p, name, site, wall, own) : 0;
		pki_own_fini(own);
		if (err == 0)
			err = pki_own_shown(p, peer, wall, own);
	}
	if (err != 0 || own->not_after.ns > wall.ns)
		return err;
	return pki_say(p, ERR_EXPIRED, "this node's own certificate %s/own/cert.der has ended at %s, so %.100s would refuse it; let this node in anew: "
	    "penstock node invite above, penstock node join below (doc/enrolment.md); if the clock is wrong, set that first", pki_dir(p),
	    wall_format(own->not_after, 0, when), peer);
}

bool
bond_judge(struct pki *p, const char *peer, enum pki_role role, const uint8_t *chain, size_t len, const char *from, struct wall wall,
    struct pki_verdict *v)
{
	const struct pki_peer it = { .chain = chain, .len = len, .role = role, .from = from, .host = peer, .crl_optional = true, .ca_as_peer = true,
	    .now = wall };

	if (pki_verify(p, &it, v) == 0)
		return true;
	size_t n = strlen(v->text);
	if (v->status == PKI_BadCertificateTimeInvalid || v->status == PKI_BadCertificateUntrusted)
		snprintf(v->text + n, sizeof v->text - n, "; a node is let in anew with penstock node invite and join (doc/enrolment.md)");
	return false;
}

int
bond_begin(struct bond *b, const struct bond_begin *k, char *why, size_t size)
{
	uint8_t hash[PKI_SHA256];
	size_t leaf = pki_leaf(k->chain, k->chain_len);

	*b = (struct bond){ .role = k->role, .look_at = k->now, .leaf_len = leaf };
	snprintf(b->peer, sizeof b->peer, "%s", k->peer);
	snprintf(b->what, sizeof b->what, "%s", k->what);
	b->leaf = leaf > 0 ? malloc(leaf) : NULL;
	int err = b->leaf == NULL ? ERR_NOMEM : pki_open(k->state, k->side, NULL, &b->pki);
	if (err == 0)
		err = pki_own_copy(&b->own, k->shown);
	if (err == 0)
		err = pki_sha256(b->own.cert, b->own.cert_len, hash);
	if (err != 0) {
		snprintf(why, size, "%s", b->pki != NULL && pki_why(b->pki)[0] != '\0' ? pki_why(b->pki) : err_text(err));
		bond_fini(b);
		return err;
	}
	memcpy(b->leaf, k->chain, leaf);
	pki_peer_seen(b->pki, b->peer, b->leaf, b->leaf_len, k->wall);
	if (pki_known_by(b->pki, b->peer, hash) != 0)
		log_warn("link_renewal", "%s what=\"what the peer knows is not kept\" why=\"%s\"", b->what, pki_why(b->pki));
	return 0;
}

/* The newest of ours, if it is not what is shown and was not offered over this connection yet. */
static void
offer(struct bond *b, struct link_conn *c)
{
	uint8_t binding[LINK_TLS_BINDING], shown[PKI_SHA256], hash[PKI_SHA256], sig[PKI_SIGNATURE_MAX];
	struct pki_own newest;
	size_t sig_len;

	int err = pki_own_newest(b->pki, &newest);
	if (err == 0)
		err = pki_sha256(newest.cert, newest.cert_len, hash);
	if (err == 0)
		err = pki_sha256(b->own.cert, b->own.cert_len, shown);
	if (err == 0 && memcmp(hash, shown, sizeof hash) != 0 && memcmp(hash, b->offered, sizeof hash) != 0 &&
	    (err = link_tls_binding(c->tls, binding)) == 0 && (err = pki_offer_sign(&b->own, binding, hash, sig, &sig_len)) == 0) {
		link_put_renew(&c->out, sig, sig_len, newest.chain, newest.chain_len);
		memcpy(b->offered, hash, sizeof hash);
		log_info("link_renewal", "%s peer=\"%s\" what=\"our next certificate is offered\" sha1=%s", b->what, b->peer, newest.sha1);
	}
	if (err != 0)
		log_warn("link_renewal", "%s peer=\"%s\" what=\"our next certificate cannot be offered\" why=\"%s\"", b->what, b->peer, pki_why(b->pki));
	pki_own_fini(&newest);
}

void
bond_step(struct bond *b, struct link_conn *c, struct mono now, struct wall wall)
{
	if (mono_before(now, b->look_at))
		return;
	b->look_at = mono_add(now, pki_renew_soon(b->pki, wall));
	offer(b, c);
}

static void
take(struct bond *b, struct link_conn *c, const struct link_frame *f, const char *from, struct wall wall)
{
	uint8_t binding[LINK_TLS_BINDING], hash[PKI_SHA256];
	struct pki_offer o = { .peer = b->peer, .from = from, .role = b->role, .leaf = b->leaf, .leaf_len = b->leaf_len, .binding = binding, .sig = f->sig,
	    .sig_len = f->sig_len, .chain = f->p, .chain_len = f->len, .now = wall };

	int err = link_tls_binding(c->tls, binding);
	if (err == 0)
		err = pki_offer_take(b->pki, &o, hash);
	if (err == 0)
		link_put_renewed(&c->out, hash);
	else	/* the link goes on with what both know; who offers asks again at its next connection */
		log_warn("link_renewal_refused", "%s peer=\"%s\" from=%s why=\"%s\"", b->what, b->peer, from, pki_why(b->pki));
}

int
bond_frame(struct bond *b, struct link_conn *c, const struct link_frame *f, const char *from, struct wall wall)
{
	static const uint8_t none[PKI_SHA256];

	if (f->kind == LINK_RENEW) {
		take(b, c, f, from, wall);
		return 0;
	}
	if (f->kind != LINK_RENEWED)
		return ERR_UNSUPPORTED;
	if (memcmp(b->offered, none, sizeof none) == 0 || memcmp(f->hash, b->offered, sizeof b->offered) != 0)
		return 0;	/* of an offer that is not ours any more */
	if (pki_known_by(b->pki, b->peer, f->hash) != 0) {
		log_warn("link_renewal", "%s what=\"what the peer knows is not kept\" why=\"%s\"", b->what, pki_why(b->pki));
		return 0;
	}
	log_info("link_renewal", "%s peer=\"%s\" what=\"the other node knows our next certificate\"", b->what, b->peer);
	return 1;
}

void
bond_fini(struct bond *b)
{
	free(b->leaf);
	pki_own_fini(&b->own);
	pki_close(b->pki);
	*b = (struct bond){ 0 };
}
