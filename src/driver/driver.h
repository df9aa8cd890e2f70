/*
 * The contract of a driver: a sans-I/O engine for one *link* (a TCP connection or a serial line) and the sources on it (one
 * device, or the units behind a gateway or on a bus). It owns no socket, reads no clock, allocates only in open(). The scan
 * engine (field/) owns connection, timers and health; it calls in with bytes and the time, and the driver calls back
 * through `struct driver_host`. Every call returns at once; none may be made from within a host call.
 *
 * Order of calls:  open, then any number of { up, (input | tick | scan | read | write)*, down }, then close.
 *
 * Sources are numbered 0..n-1 within the link, tags and scan classes as in the plan.
 */
#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include "base/buf.h"
#include "base/clock.h"
#include "model/sample.h"
#include "site/catalog.h"

enum link_kind {
	LINK_TCP, LINK_SERIAL,
	/*
	 * The driver speaks through threads of its own (a library that has its own loop). The engine opens nothing and calls no scan and no
	 * probe: it calls up() once after open() and tick() whenever the descriptor of driver.wake is readable; from there the driver hands on
	 * what its threads have brought, and says with host.reach whether the device can be reached. down() is called once at most, when the
	 * process stops: the driver leaves the device in good order and says host.left when it has; close() may come before that, and must
	 * not wait for anything.
	 */
	LINK_OWN,
};

/* What the engine must open for a link. */
struct link_spec {
	enum link_kind	 kind;
	const char	*host;		/* LINK_TCP: name or address; valid until the next call, so copy it */
	int		 port;
	const char	*device;	/* LINK_SERIAL */
	int		 baud, data_bits, stop_bits;
	char		 parity;	/* 'N', 'E', 'O' */
	bool		 rs485;		/* ask the kernel for driver-enable */
	int64_t		 connect_timeout_ns;
};

struct link_sources {
	const struct source *const	*v;
	uint32_t			 n;
};

enum outcome {			/* of one request, as health sees it */
	OUTCOME_OK,		/* a well-formed answer with data */
	OUTCOME_REFUSED,	/* the device answered with an exception: it is alive */
	OUTCOME_GARBAGE,	/* something came that is no valid answer */
	OUTCOME_TIMEOUT,	/* nothing came */
};

/* As in struct batch_head. NUMBERS_LOST: those behind prev, up to no, are lost for good. NUMBERS_ASK: no samples; durable() comes once all that gate took is durable. */
enum numbers_kind { NUMBERS_SAMPLES, NUMBERS_LOST, NUMBERS_ASK };
struct driver_numbers { uint64_t origin, no, prev, base; enum numbers_kind kind; };
#define DRIVER_NUMBERED_BYTES	(512u << 10)

struct driver_host {
	/* Queue bytes for the link, copied. 0 or ERR_FULL (the peer does not read): the driver then waits for tick. */
	int	(*send)(struct driver_host *h, const void *p, size_t len);
	/* One sample; v's bytes are copied. status Good with VALUE_NULL is not allowed. source_time/server_time 0 if unknown. */
	void	(*sample)(struct driver_host *h, uint32_t src, uint32_t tag, uint32_t status, const struct value *v,
		    struct wall source_time, struct wall server_time, struct wall arrival, uint8_t flags);
	/* All requests of this scan are answered or given up. */
	void	(*scan_done)(struct driver_host *h, uint32_t src, uint32_t scan_class);
	/* How a request ended; rtt_ns 0 unless OK or REFUSED. busy_ns: how long it held the link. */
	void	(*outcome)(struct driver_host *h, uint32_t src, enum outcome o, int64_t rtt_ns, int64_t busy_ns);
	/* A frame went out or came in (only called while tracing is on for the source, see driver.trace). */
	void	(*frame)(struct driver_host *h, uint32_t src, bool out, const void *p, size_t len, const char *note);
	/* An on-demand read or write with this id is finished; err 0 or the reason. */
	void	(*done)(struct driver_host *h, uint32_t id, int err, const char *why);
	/* LINK_OWN: the source can be reached (data comes) or not, and a text for people; copied. Not reached: its tags are bad already. */
	void	(*reach)(struct driver_host *h, uint32_t src, bool reached, const char *text);
	/*
	 * Samples v[0..n) of a numbered stream of another node, as one batch that is never split or joined with others (struct batch_head says what
	 * the numbers mean); n may be 0. At most BATCH_SAMPLES_MAX samples, and DRIVER_NUMBERED_BYTES of texts. Borrowed.
	 */
	void	(*numbered)(struct driver_host *h, uint32_t src, const struct sample *v, uint32_t n, const struct driver_numbers *no);
	/* LINK_OWN: what down() began is done, the device has been left in good order. */
	void	(*left)(struct driver_host *h);
	/* The stream cannot be trusted any more (or never answers): close and reopen the link. why is static text. */
	void	(*reset)(struct driver_host *h, const char *why);
	/*
	 * When the bytes of write, call or ack `id` must have left at the latest. Ask when it is taken; look at the clock again
	 * when its bytes are about to go out (they may have waited for other requests), and end it with ERR_EXPIRED if it is
	 * later than this. May be NULL (a tool): then nothing expires.
	 */
	struct mono (*deadline)(struct driver_host *h, uint32_t id);
	/* Output argument i (from 0) of call `id`, before its done; v's bytes are copied. May be NULL: nobody wants them. */
	void	(*result)(struct driver_host *h, uint32_t id, uint32_t i, const struct value *v);
};

struct driver {
	struct driver_info	 info;

	/* What to open for these sources (all share one link). */
	int	(*link)(const struct source *s, struct link_spec *out);
	/* Bytes of context for these sources; a driver keeps all its state in there. */
	size_t	(*size)(const struct link_sources *s);
	/* ctx is zeroed, size() bytes, aligned for anything; s and h stay valid until close. May allocate; 0 or an error. */
	int	(*open)(void *ctx, const struct link_sources *s, struct driver_host *h);
	void	(*close)(void *ctx);
	int	(*wake)(const void *ctx);	/* LINK_OWN: an eventfd, the driver's; NULL for other links */

	void	(*up)(void *ctx, struct mono now, struct wall wall);	/* connected: nothing of an older connection is left */
	void	(*down)(void *ctx, struct mono now, struct wall wall);	/* lost: give up all requests in flight (samples become bad) */
	/* Bytes arrived. */
	void	(*input)(void *ctx, const void *p, size_t len, struct mono now, struct wall wall);
	/* A deadline that next() named may have passed. */
	void	(*tick)(void *ctx, struct mono now, struct wall wall);
	/* When tick is wanted next; MONO_NEVER if not. Asked after every call. */
	struct mono (*next)(const void *ctx);

	/*
	 * A scan class of a source is due: queue its requests. When the scan before is not finished yet returns ERR_BUSY and
	 * does nothing; the engine counts a skipped scan. probe: the source is demoted and this is its probe: one request only, the
	 * cheapest that tells whether it lives; it ends with scan_done like a scan, but gives no samples.
	 */
	int	(*scan)(void *ctx, uint32_t src, uint32_t scan_class, bool probe, struct mono now, struct wall wall);
	/* Make every tag of a source bad once, with this status (link lost, source demoted, stopping). */
	void	(*give_up)(void *ctx, uint32_t src, uint32_t status, struct wall wall);
	/* Read tags now, outside of their scan; samples carry SAMPLE_REREAD. Ends with host.done(id). */
	int	(*read)(void *ctx, uint32_t src, const uint32_t *tags, uint32_t n, uint32_t id, struct mono now);

	/*
	 * The way back: what policy has admitted. Sent to the device at most once, never again after an answer stayed away. v, args and
	 * texts are borrowed during the call. 0: it ends with host.done(id); an error at once: nothing was sent, host.done() does not
	 * come. What host.done's err means here:
	 *	0						the device has confirmed
	 *	ERR_DENIED, ERR_EXPIRED, ERR_TYPE,		the device is as it was: refused by it, too late, not to be
	 *	ERR_RANGE, ERR_BUSY, ERR_NOTFOUND		encoded, nothing sent
	 *	anything else					it may have been carried out or not
	 */
	/* Write a value in the tag's type and unit (after scaling). NULL: read-only driver. */
	int	(*write)(void *ctx, uint32_t src, uint32_t tag, const struct value *v, uint32_t id, struct mono now);
	/* Call a method of the source; its address was judged by info.parse_method. NULL: the driver has no methods. */
	int	(*call)(void *ctx, uint32_t src, const char *method_at, const struct value *args, uint32_t nargs, uint32_t id,
		    struct mono now);
	/* Acknowledge an event of tag `tag`: event is the id that its samples carry ("": the newest not yet acknowledged), comment
	 * goes to the device with it. NULL: the driver has no events. */
	int	(*ack)(void *ctx, uint32_t src, uint32_t tag, const char *event, const char *comment, uint32_t id, struct mono now);

	/* Gate has made durable all numbers of this origin up to `no`. hole: what came behind it must be sent again. NULL: never uses host.numbered. */
	void	(*durable)(void *ctx, uint64_t origin, uint64_t no, bool hole);

	/* Turn host.frame on or off for a source. */
	void	(*trace)(void *ctx, uint32_t src, bool on);
	/* What is known of a tag's trouble, as JSON members into the open object: the request and the reply as hex and in words, the
	 * device's exception, since when, how often, whether it is isolated. Called for `penstock why`. */
	void	(*why)(const void *ctx, uint32_t src, uint32_t tag, struct json *out);
	/* Figures for the status page: how many blocks, isolated addresses, late replies dropped and so on. Sticky counters. */
	struct driver_counts {
		uint64_t requests, replies, exceptions, timeouts, garbage, late_dropped, isolated_tags, blocks;
	} (*counts)(const void *ctx, uint32_t src);
	/* Decode one raw frame for people, one line ("TCP tid=7 unit=1 read holding 100..109"). For trace output. */
	void	(*explain)(bool out, const void *p, size_t len, struct buf *text);
};

#define DRIVER(name) extern const struct driver name##_driver;
#include "driver/drivers.def"
#undef DRIVER

/*
 * `penstock scan ENDPOINT` tries a device without a site file through this same contract (field/try.h): with the driver itself, and with
 * records that are not in the list, whose tags are questions (driver/modbus/modbus_try.h, modbus_ident.h).
 */

/*
 * Where drivers that keep something of their own on disk (certificates) do so, and the name of the site; set once before the first open() and
 * again when a plan comes, borrowed for good. "" while nobody has said so: a tool.
 */
void driver_set_home(const char *state_dir, const char *site);
const char *driver_state(void);
const char *driver_site(void);

/* All drivers, NULL-ended; and one by the name a site file uses, NULL if unknown. */
extern const struct driver *const drivers[];
const struct driver *driver_find(const char *name);

#endif
