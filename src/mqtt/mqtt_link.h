/*
 * A connection to an MQTT broker that keeps itself up, for sinks and drivers alike. libmosquitto does the protocol; all its
 * calls for one link happen in one helper thread owned by the link, so a name look-up, a TLS handshake or a broker that
 * hangs stalls nobody else. The loop and the thread share nothing but two queues: orders in, events out.
 *
 * Life: mqtt_link_open() starts connecting at once (with opts.ask: asks first). Then, for ever: up() -> publish, returned()...,
 * -> down() -> a pause (exponential with full jitter, the first one short) -> the next attempt. Everything a callback says
 * comes from the loop. A message given to mqtt_link_publish() stays borrowed until returned() brings it back, and each comes
 * back exactly once: acknowledged, refused, or lost with its connection (before down() is called).
 *
 * Sessions are clean: what was in flight when a connection went is the caller's to send again.
 *
 * Receiving with opts.hold: the broker keeps our session while we are away, and no message is acknowledged to it before the caller says
 * mqtt_link_done(). Until then at most `hold` messages are taken, and the broker sends them again to a new connection: nothing that was not
 * done is lost, and the caller must know a repeat. (libmosquitto makes an acknowledgement while it reads a message and cannot be told to wait;
 * but it sends nothing unless told to write, and that is what waits.)
 */
#ifndef MQTT_LINK_H
#define MQTT_LINK_H

#include <uv.h>

#include "base/clock.h"
#include "base/err.h"

#define MQTT_TOPIC_MAX		65535u		/* bytes of a topic, MQTT 5.0, 1.5.4 */
#define MQTT_PAYLOAD_MAX	268435455u	/* MQTT 5.0, 1.5.5: the largest variable byte integer */
#define MQTT_SERVERS_MAX	8u
#define MQTT_FILTERS_MAX	64u
#define MQTT_INBOX_MAX		1024u		/* received messages not yet handed to the loop; further ones are dropped and counted */
#define MQTT_INBOX_BYTES_MAX	(256u << 10)	/* a longer received message is dropped and counted */

struct mqtt_server {
	const char	*host;
	uint16_t	 port;
};

struct mqtt_filter {
	const char	*filter;
	uint8_t		 qos;
};

struct mqtt_will {
	const char	*topic;
	const void	*payload;
	uint32_t	 len;
	uint8_t		 qos;
	bool		 retain;
};

/* All texts are copied. */
struct mqtt_link_opts {
	const char		*name;		/* of the sink, for the log */
	const struct mqtt_server *servers;	/* 1..MQTT_SERVERS_MAX; the first is used until mqtt_link_go() says otherwise */
	size_t			 nservers;
	bool			 v5;		/* else 3.1.1 */
	const char		*client_id;
	const char		*user;		/* NULL: none */
	const char		*password_file;	/* NULL: none; read anew before each attempt, first line counts */
	bool			 tls;		/* never falls back to plain text; the server's name is always verified */
	const char		*ca_file;	/* NULL: the system's certificates */
	const char		*cert_file, *key_file;	/* mutual TLS; NULL: none */
	uint16_t		 keep_alive_s;	/* 5..65535 */
	uint16_t		 window;	/* most QoS 1 messages in flight at the broker; further ones wait in the link */
	const struct mqtt_filter *filters;	/* subscribed after each CONNACK, granted before up() is called */
	size_t			 nfilters;
	uint16_t		 hold;		/* received messages that wait for mqtt_link_done(), at most MQTT_INBOX_MAX; 0: clean sessions */
	uint32_t		 session_expiry_s;	/* hold, MQTT 5: so long the broker keeps the session of a client that is away */
	bool			 ask;		/* call ask() before each attempt and wait for mqtt_link_go() */
	int64_t			 connect_timeout_ns;	/* TCP to CONNACK and SUBACKs; 0: 20 s */
	int64_t			 ack_timeout_ns;	/* oldest publish without PUBACK: the connection is dropped; 0: 30 s */
	int64_t			 pause_min_ns, pause_max_ns;	/* 0: 1 s and 60 s */
};

enum mqtt_result {
	MQTT_ACKED,	/* QoS 1: PUBACK; QoS 0: handed to TCP */
	MQTT_REFUSED,	/* the broker (reason code >= 0x80) or a limit it stated will never take it; why says so */
	MQTT_BUSY,	/* the broker said "not now" (quota, rate); send it again later */
	MQTT_LOST,	/* the connection went first */
};

/* One message to publish. The caller fills the first part and keeps it and what it points to until returned(). */
struct mqtt_msg {
	const char	*topic;		/* NUL-ended */
	const void	*payload;
	uint32_t	 len;
	uint8_t		 qos;		/* 0 or 1 */
	bool		 retain;
	uint32_t	 expiry_s;	/* MQTT 5: message expiry interval; 0: none */
	const char	*key;		/* MQTT 5: user property "key"; NULL: none */
	const char	*content_type;	/* MQTT 5; NULL: none */
	bool		 text;		/* MQTT 5: payload format indicator 1 (UTF-8) */
	void		*user;

	/* The link fills these; valid in returned(). */
	enum mqtt_result result;
	uint8_t		 reason;	/* MQTT 5 reason code of the PUBACK, else 0 */
	char		 why[160];	/* for people, "" when acknowledged */

	struct mqtt_msg	*next;		/* the link's own */
	uint32_t	 session;
	int		 mid;
	int64_t		 sent_ns;
};

struct mqtt_up {
	size_t		 server;	/* index */
	uint32_t	 max_packet;	/* the broker's Maximum Packet Size, 0: none stated */
	uint16_t	 receive_max;	/* the broker's Receive Maximum, 65535 if none stated */
};

enum mqtt_fall {
	MQTT_FALL_UNREACHED,	/* name, TCP, TLS or time-out: there was no session */
	MQTT_FALL_DENIED,	/* CONNACK or SUBACK refused us: somebody must change something; retried slowly */
	MQTT_FALL_PEER,		/* an established session was closed by the broker or reset, without a reason that explains it */
	MQTT_FALL_OBJECTION,	/* MQTT 5 DISCONNECT that objects to what we sent (malformed, too large, not authorised, ...) */
	MQTT_FALL_STEPPED_DOWN,	/* MQTT 5 DISCONNECT for reasons of the broker's own (shutting down, busy, moved) */
	MQTT_FALL_TAKEN_OVER,	/* 0x8E: another client uses our client id; retried slowly, alarm */
	MQTT_FALL_SILENT,	/* keep-alive or acknowledgement time-out: half-open, hanging */
	MQTT_FALL_OURS,		/* mqtt_link_drop() or mqtt_link_close() */
};

struct mqtt_down {
	enum mqtt_fall	 fall;
	size_t		 server;
	uint8_t		 reason;	/* MQTT reason code, 0 if none */
	bool		 was_up;	/* up() had been called for this connection */
	int64_t		 pause_ns;	/* until the next attempt */
	const char	*why;		/* for people; borrowed during the call */
};

struct mqtt_link_ops {
	void	(*ask)(void *arg);	/* only with opts.ask: an attempt is due, answer (now or later) with mqtt_link_go() */
	void	(*up)(void *arg, const struct mqtt_up *up);
	void	(*down)(void *arg, const struct mqtt_down *down);	/* also after an attempt that failed */
	void	(*returned)(void *arg, struct mqtt_msg *m);
	void	(*received)(void *arg, const char *topic, const void *payload, size_t len, uint8_t qos, bool retain);	/* may be NULL */
};

struct mqtt_link;

/*
 * Start. ops and arg outlive the link. 0 and *out given (mqtt_link_close()); ERR_NOMEM, ERR_LIMIT, or ERR_IO with the cause in why.
 */
int mqtt_link_open(uv_loop_t *loop, const struct mqtt_link_opts *opts, const struct mqtt_link_ops *ops, void *arg, struct mqtt_link **out,
    char *why, size_t size);
/* The answer to ask(): connect to this server, with this will (copied; NULL: none). Never blocks. */
void mqtt_link_go(struct mqtt_link *l, size_t server, const struct mqtt_will *will);
/* Publish (m borrowed until returned()). 0; ERR_CONN when not up: then m was not taken. Never blocks. */
int mqtt_link_publish(struct mqtt_link *l, struct mqtt_msg *m);
/* opts.hold: the n oldest messages that received() has brought since the last up() or down() are done with. Never blocks. */
void mqtt_link_done(struct mqtt_link *l, unsigned n);
/*
 * End the present connection once all that was published before has been written: DISCONNECT with this reason (MQTT 5 only; 0x04: the
 * broker shall send the will), then go on with the next attempt after pause_ns (negative: the usual pause).
 */
void mqtt_link_drop(struct mqtt_link *l, uint8_t reason, int64_t pause_ns);
/*
 * End for good: what was published before is written, DISCONNECT(reason) is sent, messages without an answer are returned as lost; then
 * closed(arg) is called from the loop, once, at the latest at the deadline. No other callback but returned() is called any more. The link is
 * freed. A thread that is stuck in a name look-up is left to end by itself.
 */
void mqtt_link_close(struct mqtt_link *l, uint8_t reason, struct mono deadline, void (*closed)(void *arg), void *arg);

/* Name of a reason code of MQTT 5.0, 2.4, for people; static. */
const char *mqtt_reason_text(uint8_t reason);
/* May a PUBACK with this reason (>= 0x80) be cured by sending again later? MQTT 5.0, 3.4.2.1. */
bool mqtt_reason_is_temporary(uint8_t reason);
/*
 * Split "host", "host:port", "[v6]:port" (text: borrowed) into host (size bytes) and port; default_port when none stands there.
 * 0, ERR_SYNTAX, ERR_LIMIT.
 */
int mqtt_endpoint(const char *text, uint16_t default_port, char *host, size_t size, uint16_t *port);

#endif
