/* Why a server turned us away, in words: the step, the status code, the likely cause and what to do. Part 4 1.05, 7.39 and Part 6, 7.1.5. */
#include <stdio.h>

#include "driver/opcua/conn.h"

static const struct { UA_StatusCode code; const char *cause; } causes[] = {
	{ UA_STATUSCODE_BADIDENTITYTOKENREJECTED, "the server refuses this user: check `user` and the password's file, or whether the "
	    "server knows the user's certificate" },
	{ UA_STATUSCODE_BADIDENTITYTOKENINVALID, "the server cannot make sense of the user's token: the password may be encrypted for a "
	    "certificate that it no longer has" },
	{ UA_STATUSCODE_BADUSERACCESSDENIED, "the server refuses this user: the password is wrong, or the user may not log in" },
	{ UA_STATUSCODE_BADUSERSIGNATUREINVALID, "the key does not belong to the user's certificate" },
	{ UA_STATUSCODE_BADSECURITYCHECKSFAILED, "the server refuses our certificate or what we signed with it: look for our certificate "
	    "among those that the server has rejected and trust it there" },
	{ UA_STATUSCODE_BADCERTIFICATEUNTRUSTED, "the server does not trust our certificate: move it from rejected to trusted on the server" },
	{ UA_STATUSCODE_BADCERTIFICATEURIINVALID, "the server finds another ApplicationUri in our certificate than we state" },
	{ UA_STATUSCODE_BADCERTIFICATETIMEINVALID, "the server finds that our certificate is over or not yet valid: look at both clocks and "
	    "renew it" },
	{ UA_STATUSCODE_BADCERTIFICATEINVALID, "the server's session shows another certificate than its channel" },
	{ UA_STATUSCODE_BADSECURITYPOLICYREJECTED, "the server does not admit the security policy that it offers" },
	{ UA_STATUSCODE_BADTOOMANYSESSIONS, "the server has no session left: close others, or raise its limit" },
	{ UA_STATUSCODE_BADTCPSERVERTOOBUSY, "the server takes no more connections at the moment" },
	{ UA_STATUSCODE_BADTCPNOTENOUGHRESOURCES, "the server takes no more connections at the moment" },
	{ UA_STATUSCODE_BADTCPENDPOINTURLINVALID, "the server knows no such endpoint: check the path behind the port" },
	{ UA_STATUSCODE_BADTCPMESSAGETYPEINVALID, "what answers there does not speak OPC UA's binary protocol: check host and port" },
	{ UA_STATUSCODE_BADTCPMESSAGETOOLARGE, "a message of the server is larger than agreed" },
	{ UA_STATUSCODE_BADRESPONSETOOLARGE, "an answer of the server is larger than this driver takes" },
	{ UA_STATUSCODE_BADOUTOFMEMORY, "an answer of the server takes more memory than the key `memory` allows" },
	{ UA_STATUSCODE_BADDECODINGERROR, "an answer of the server cannot be decoded" },
	{ UA_STATUSCODE_BADSERVERHALTED, "the server has halted its services" },
	{ UA_STATUSCODE_BADSHUTDOWN, "the server is shutting down" },
	{ UA_STATUSCODE_BADTIMEOUT, "no answer in time" },
	{ UA_STATUSCODE_BADNONCEINVALID, "the server's random number is too short or was used before" },
	{ UA_STATUSCODE_BADNOTCONNECTED, "the server closed the connection" },
	{ UA_STATUSCODE_BADCONNECTIONCLOSED, "the server closed the connection" },
	{ UA_STATUSCODE_BADSECURECHANNELCLOSED, "the server closed the connection" },
};

static const char *
cause_of(UA_StatusCode s)
{
	for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
		if (causes[i].code == s)
			return causes[i].cause;
	return NULL;
}

void
ua_open_explain(struct ua_open *o, const char *step, UA_StatusCode s)
{
	const char *cause = cause_of(s), *why = ua_loop_why(o->t->loop);
	struct ua_conn *c = o->t->agent.conn;
	bool closed = s == UA_STATUSCODE_BADNOTCONNECTED || s == UA_STATUSCODE_BADCONNECTIONCLOSED ||
	    s == UA_STATUSCODE_BADSECURECHANNELCLOSED || s == UA_STATUSCODE_BADCONNECTIONREJECTED;

	if (o->judged && o->verdict.err != 0) {
		ua_open_fail(o, "%s: %s", step, o->verdict.text);
		return;
	}
	if (closed && o->state == UA_OPEN_CHANNEL && o->choice.policy != UA_POLICY_NONE && o->connected && !o->channel) {
		ua_open_fail(o, "%s: the server closed the connection when it saw our certificate %s; most likely it does not trust it: "
		    "trust it there (see doc/opcua.md), it is %s/own/cert.der here", step, c->own.sha1,
		    c->pki != NULL ? pki_dir(c->pki) : "");
		return;
	}
	/* Nobody closed it but we: the library complained of what came. */
	if (closed && why[0] == '\0' && o->said[0] != '\0') {
		ua_open_fail(o, "%s: what the server sends breaks the protocol or a limit of this driver: %s", step, o->said);
		return;
	}
	if (closed && why[0] != '\0')
		ua_open_fail(o, "%s: %s", step, why);
	else if (cause != NULL)
		ua_open_fail(o, "%s: %s (%s)", step, cause, UA_StatusCode_name(s));
	else
		ua_open_fail(o, "%s: %s%s%s", step, UA_StatusCode_name(s), o->said[0] != '\0' ? "; " : "", o->said);
}
