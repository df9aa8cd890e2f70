/*
 * Between the office's loop and the server's thread: *orders* go to the thread, *news* come back. Everything is copied or handed over whole, so
 * nothing but this queue is shared. Batches that wait are bounded; the loop then holds back what it would offer.
 *
 *	office's loop						server's thread
 *	  stream_add, offer, stream_remove   ── orders ──>	  tick (server.c): address space
 *	  done, state, requests, stopped     <── news, uv_async	
 */
#ifndef SINK_OPCUA_SERVER_HAND_H
#define SINK_OPCUA_SERVER_HAND_H

#include <pthread.h>
#include <uv.h>

#include "sink/opcua_server/space.h"

#define UAS_HAND_MAX	(32u << 20)	/* bytes of batches that wait; one batch more may always go in */

enum uas_order_kind { UAS_ADD, UAS_BATCH, UAS_REMOVE, UAS_OUTCOME };

struct uas_order {
	enum uas_order_kind	 kind;
	uint32_t		 stream;
	struct uas_stream	*add;		/* ADD: handed over */
	bool			 live, owed;	/* BATCH; owed: say when it is done */
	uint64_t		 first, last;
	struct sample		*samples;	/* [n], texts behind them, one piece with this struct */
	uint32_t		 n;
	size_t			 bytes;
	uint64_t		 ask;		/* OUTCOME: of which request, with what end */
	enum request_state	 state;
	char			*text;
	struct uas_order	*next;
};

enum uas_news_kind { UAS_DONE, UAS_STATE, UAS_ASK, UAS_STOPPED };

struct uas_news {
	enum uas_news_kind	 kind;
	uint32_t		 stream;	/* DONE: first..last; 0: nothing was owed, but there is room again */
	uint64_t		 first, last;
	bool			 up;		/* STATE */
	char			*text;		/* STATE */
	uint64_t		 ask;		/* ASK: a client's write, all in arena */
	struct request		*request;
	struct arena		 arena;
	struct uas_news		*next;
};

struct uas_hand {
	pthread_mutex_t		 lock;
	pthread_cond_t		 wake;		/* of a thread that has no server to run */
	struct uas_order	*orders, **orders_tail;
	size_t			 bytes;		/* of batches that wait */
	struct uas_news		*news, **news_tail;
	bool			 stop;
	uv_async_t		*async;		/* NULL: nobody listens any more */
};

void uas_hand_init(struct uas_hand *h, uv_async_t *async);
/* Frees what waits on both sides; the thread is gone. */
void uas_hand_fini(struct uas_hand *h);

/* ---- the loop's side ---- */

/* A copy of a batch, to uas_hand_order(). NULL: no memory. */
struct uas_order *uas_order_batch(uint32_t stream, const struct spool_batch *b, bool live, bool owed);
struct uas_order *uas_order_new(enum uas_order_kind kind, uint32_t stream);
/* Taken. */
void uas_hand_order(struct uas_hand *h, struct uas_order *o);
bool uas_hand_full(struct uas_hand *h);
/* All news so far, given: uas_news_free() each. */
struct uas_news *uas_hand_news(struct uas_hand *h);
void uas_news_free(struct uas_news *n);
void uas_hand_stop(struct uas_hand *h);

/* ---- the thread's side ---- */

/* All orders so far, given: uas_order_free() each. NULL: none. */
struct uas_order *uas_hand_orders(struct uas_hand *h);
void uas_order_free(struct uas_order *o);
/* Taken. */
void uas_hand_tell(struct uas_hand *h, struct uas_news *n);
void uas_hand_state(struct uas_hand *h, bool up, const char *text);
bool uas_hand_stopping(struct uas_hand *h);
/* Wait until stop or at most so long. */
void uas_hand_wait(struct uas_hand *h, int ms);

#endif
