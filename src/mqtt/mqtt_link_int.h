/*
 * The inside of an MQTT link, shared by its two halves: mqtt_link.c runs on the loop, mqtt_thread.c, mqtt_conn.c, mqtt_handle.c and
 * mqtt_fall.c in the helper thread. A member
 * belongs to the half that its heading names; only what stands under `lock` is touched by both.
 */
#ifndef MQTT_LINK_INT_H
#define MQTT_LINK_INT_H

#include <pthread.h>

#include "base/arena.h"
#include "mqtt/mqtt_link.h"

struct mosquitto;

struct msg_list {
	struct mqtt_msg *head, *tail;
};

/* A stored will: the texts are the link's. */
struct will_copy {
	char		*topic;
	void		*payload;
	uint32_t	 len;
	uint8_t		 qos;
	bool		 set, retain;
};

enum event_kind { EVENT_ASK, EVENT_UP, EVENT_DOWN, EVENT_RECEIVED, EVENT_DONE };

struct event {
	enum event_kind	 kind;
	struct event	*next;
	uint32_t	 session;
	struct mqtt_up	 up;
	struct mqtt_down down;
	uint8_t		 qos;
	bool		 retain;
	size_t		 len;
	char		 text[];	/* down: why. received: topic, NUL, payload */
};

/* What the loop wants of the thread. */
struct orders {
	bool		 quit, drop, go;
	uint8_t		 reason;	/* of quit or drop */
	int64_t		 pause_ns;	/* of drop */
	struct mono	 until;		/* of quit: the goodbye ends by then */
	size_t		 server;	/* of go */
	struct will_copy will;
};

struct mqtt_link {
	/* Fixed by mqtt_link_open(). */
	struct arena		 arena;
	struct mqtt_link_opts	 o;
	const struct mqtt_link_ops *ops;
	void			*arg;
	int			 wake_fd;	/* eventfd: orders or messages for the thread */

	/* Under lock. */
	pthread_mutex_t		 lock;
	struct msg_list		 in, out;
	struct orders		 orders;
	struct event		*ev_head, **ev_tail;
	unsigned		 inbox;		/* EVENT_RECEIVED among the events */
	unsigned long		 inbox_dropped;
	uint32_t		 open_session;	/* the one that messages are taken for, 0: none */
	unsigned		 waiting;	/* hold: received and not done with */
	uint32_t		 waiting_session;	/* of these */
	bool			 held_up;	/* the thread is in a call that may take minutes, and holds no message */
	bool			 abandoned;	/* the loop half is gone: the thread frees the link */

	/* The loop's. */
	uv_async_t		 async;
	uv_timer_t		 timer;
	pthread_t		 thread;
	bool			 up, closing, finished;
	uint32_t		 session;
	uint32_t		 heard;		/* session of the message that received() brought last */
	int			 handles;	/* not closed yet */
	void			(*closed)(void *arg);
	void			*closed_arg;

	/* The thread's. */
	struct mosquitto	*m;
	struct msg_list		 todo;		/* taken in, not handed to libmosquitto yet */
	struct mqtt_msg		**flight;	/* o.window slots, oldest first */
	size_t			 nflight;
	unsigned		 unwritten;	/* hold: received since the last write */
	struct mqtt_msg		*handing;	/* being handed to libmosquitto just now */
	bool			 handed;	/* ... and answered from inside that call */
	size_t			 server;
	struct will_copy	 will;
	unsigned		 attempt;	/* falls in a row without a session that lived */
	uint32_t		 serial;	/* of the session */
	size_t			 granted;	/* filters granted */
	struct mqtt_up		 up_info;
	int			 connack;	/* -1 none yet, else its code */
	int			 suback;	/* first code >= 0x80, 0 if none */
	bool			 fell;		/* on_disconnect was called, with fell_rc */
	int			 fell_rc;
	char			 detail[256];	/* last error that libmosquitto logged */
};

/* mqtt_copy.c */
void mqtt_copy_opts(struct mqtt_link *l, const struct mqtt_link_opts *o);

/* mqtt_thread.c: the thread's main (arg is the link), and how the thread speaks with the loop. */
void *mqtt_thread(void *arg);
struct event *mqtt_event_new(struct mqtt_link *l, enum event_kind kind, size_t text);
void mqtt_post(struct mqtt_link *l, struct event *e);	/* e taken */
void mqtt_return_one(struct mqtt_link *l, struct mqtt_msg *m, enum mqtt_result result);
/* Take the messages in; those that were meant for an earlier session go back at once. Returns the orders as they stand. */
struct orders mqtt_take_orders(struct mqtt_link *l);
void mqtt_drain_wake(struct mqtt_link *l);

/* mqtt_handle.c: l->m, with all that it needs to connect. 0 or an error of libmosquitto, l->detail tells. */
int mqtt_handle_make(struct mqtt_link *l);

/* mqtt_conn.c. All return 0 or an error of libmosquitto; l->fell tells of a fall that it noticed itself. */
int mqtt_establish(struct mqtt_link *l);	/* from TCP to a session: CONNACK, then every subscription granted */
bool mqtt_may_write(struct mqtt_link *l);
int mqtt_publish_todo(struct mqtt_link *l);	/* as far as the window allows */
int mqtt_turn(struct mqtt_link *l, struct mono until);	/* wait for the socket, an order or the deadline; then read, write, keep alive */

/* mqtt_fall.c: rc is the library's error, a reason code (>= 0x80), or 0 when we ended it. */
enum mqtt_fall mqtt_judge(const struct mqtt_link *l, int rc, bool was_up);
void mqtt_explain(const struct mqtt_link *l, int rc, char *out, size_t size);
int64_t mqtt_pause_after(struct mqtt_link *l, enum mqtt_fall fall, int64_t lived_ns);
/* What a DISCONNECT with this reason means. */
enum mqtt_fall mqtt_reason_fall(uint8_t reason);
void mqtt_link_free(struct mqtt_link *l);

static inline void
msg_push(struct msg_list *list, struct mqtt_msg *m)
{
	m->next = NULL;
	if (list->tail != NULL)
		list->tail->next = m;
	else
		list->head = m;
	list->tail = m;
}

static inline struct mqtt_msg *
msg_pop(struct msg_list *list)
{
	struct mqtt_msg *m = list->head;
	if (m != NULL && (list->head = m->next) == NULL)
		list->tail = NULL;
	return m;
}

/* All of `from` behind what `to` holds. */
static inline void
msg_move(struct msg_list *to, struct msg_list *from)
{
	if (from->head == NULL)
		return;
	if (to->tail != NULL)
		to->tail->next = from->head;
	else
		to->head = from->head;
	to->tail = from->tail;
	from->head = from->tail = NULL;
}

#endif
