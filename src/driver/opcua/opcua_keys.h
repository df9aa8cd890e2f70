/* The keys of a source of driver opcua, and what the connection makes of them. The data half reads its own (ua_data.h). */
#ifndef DRIVER_OPCUA_OPCUA_KEYS_H
#define DRIVER_OPCUA_OPCUA_KEYS_H

#include "driver/driver.h"
#include "site/key.h"

enum ua_key {
	/* the channel */
	UA_KEY_SECURITY,	/* KEY_CHOICES: bits of enum ua_policy */
	UA_KEY_MODE,		/* KEY_CHOICES: bit 0 sign-and-encrypt, 1 sign */
	UA_KEY_PKI,		/* KEY_PATH: state folder of the certificate store; unset: the process's own */
	UA_KEY_SERVER_URI,	/* KEY_TEXT: ApplicationUri the server must have */
	UA_KEY_CRL_OPTIONAL,	/* KEY_BOOL */
	UA_KEY_CA_AS_PEER,	/* KEY_BOOL */
	UA_KEY_HOST_CHECK,	/* KEY_BOOL: the name dialled must be in the server's certificate */
	UA_KEY_RENEW_CHANNEL,	/* KEY_DURATION: requested lifetime of a security token */
	/* the session */
	UA_KEY_USER,		/* KEY_TEXT */
	UA_KEY_PASSWORD,	/* KEY_SECRET */
	UA_KEY_USER_CERTIFICATE, /* KEY_PATH */
	UA_KEY_USER_KEY,	/* KEY_SECRET */
	UA_KEY_SESSION_NAME,	/* KEY_TEXT */
	UA_KEY_SESSION_TIMEOUT,	/* KEY_DURATION */
	UA_KEY_LOCALES,		/* KEY_LIST */
	UA_KEY_TIMEOUT,		/* KEY_DURATION: of a service call, of connecting */
	UA_KEY_WATCH,		/* KEY_DURATION: how often state and service level are read */
	UA_KEY_CLOCK_WARN,	/* KEY_DURATION */
	UA_KEY_ALSO,		/* KEY_LIST of endpoints */
	UA_KEY_RETRY_MAX,	/* KEY_DURATION */
	UA_KEY_MEMORY,		/* KEY_SIZE */
	/* the data */
	UA_KEY_DATA,		/* KEY_ENUM: enum ua_addr_mode */
	UA_KEY_PUBLISHING,	/* KEY_DURATION; 0: as the tags' scan */
	UA_KEY_KEEP_ALIVE,	/* KEY_DURATION */
	UA_KEY_LIFETIME,	/* KEY_DURATION */
	UA_KEY_QUEUE,		/* KEY_INT; 0: two publishing intervals */
	UA_KEY_PER_CALL,	/* KEY_INT */
	UA_KEY_PAUSE,		/* KEY_DURATION */
	UA_KEY_STALE,		/* KEY_DURATION; 0: off */
	UA_KEY_TRANSFER,	/* KEY_BOOL */
	UA_KEY_HISTORY,		/* KEY_BOOL */
	UA_KEY_HISTORY_WINDOW,	/* KEY_DURATION */
	UA_KEY_HISTORY_RATE,	/* KEY_INT, values a second */
	UA_KEY_HISTORY_MAX,	/* KEY_INT, values of an item in one gap */
	/* the way back */
	UA_KEY_WRITES,		/* KEY_BOOL */
	UA_KEY_CALLS,		/* KEY_BOOL */
	UA_KEYS
};
extern const struct key ua_keys[];		/* UA_KEYS rows, then the end */

/*
 * Security policies in the order of strength, strongest first. Aes256_Sha256_RsaPss ranks first: 256-bit AES, RSA-OAEP with SHA-256 and PSS
 * signatures (provably secure padding). Basic256Sha256 next: 256-bit AES as well, but OAEP with SHA-1 and PKCS#1 v1.5 signatures.
 * Aes128_Sha256_RsaOaep after it: the same asymmetric padding as Basic256Sha256 with 128-bit AES; all three are current
 * (OPC 10000-7 1.05, 6.6.165 to 6.6.168), none is broken. Basic128Rsa15 and Basic256 are deprecated (SHA-1) and are never used.
 */
enum ua_policy { UA_POLICY_PSS, UA_POLICY_B256SHA, UA_POLICY_AES128, UA_POLICY_NONE, UA_POLICIES };

struct ua_conf {
	uint32_t	 policies;	/* bits by enum ua_policy */
	bool		 sign_encrypt, sign;
	const char	*pki;		/* NULL: driver_state() */
	const char	*server_uri;
	bool		 crl_optional, ca_as_peer, host_check;
	int64_t		 channel_ns;
	const char	*user, *password_file, *user_cert_file, *user_key_file;
	const char	*session_name;
	int64_t		 session_ns, timeout_ns, watch_ns, clock_warn_ns, retry_max_ns;
	const char *const *locales;
	size_t		 nlocales;
	const char *const *also;
	size_t		 nalso;
	uint64_t	 memory;
	bool		 writes, calls;
};
/* Texts are borrowed from the keys. */
void ua_conf_read(const struct keyval *keys, struct ua_conf *out);

#endif
