/* TCP below open62541: its connection manager, see loop.h. Never blocks but for looking a name up. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "driver/opcua/loop_int.h"
#include "os/clock.h"
#include "os/stream.h"
#include "os/tcp.h"

static struct ua_loop *
of(UA_ConnectionManager *cm)
{
	return (struct ua_loop *)(void *)((char *)cm - offsetof(struct ua_loop, cm));
}

static void
tell(struct ua_loop *l, struct ua_socket *s, UA_ConnectionState state, UA_ByteString msg)
{
	s->call(&l->cm, s->id, s->application, &s->context, state, &UA_KEYVALUEMAP_NULL, msg);
}

/* To be closed; the library hears of it in the next turn, as its contract wants. */
static void
closing(struct ua_socket *s)
{
	s->state = UA_SOCKET_CLOSING;
}

/* Where it is going, for texts. */
static const char *
where(const struct ua_socket *s, char text[TCP_ADDR_TEXT])
{
	if (s->address < s->naddresses)
		return tcp_format((const struct sockaddr *)&s->addresses[s->address].a, s->addresses[s->address].len, text);
	return s->host;
}

/* The address at s->address, or one after it if that fails at once. False: none is left. */
static bool
connect_next(struct ua_loop *l, struct ua_socket *s)
{
	char text[TCP_ADDR_TEXT];

	for (; s->address < s->naddresses; s->address++) {
		if (tcp_connect((const struct sockaddr *)&s->addresses[s->address].a, s->addresses[s->address].len, &s->fd) == 0) {
			s->give_up_at = mono_add(mono_now(), l->connect_ns);
			return true;
		}
		snprintf(l->why, sizeof l->why, "%s: %s", where(s, text), tcp_cause(errno));
	}
	return false;
}

static void
connect_failed(struct ua_loop *l, struct ua_socket *s, int errnum)
{
	char text[TCP_ADDR_TEXT];

	snprintf(l->why, sizeof l->why, "%s: %s", where(s, text), tcp_cause(errnum));
	stream_close(s->fd);
	s->fd = -1;
	s->address++;
	if (!connect_next(l, s))
		closing(s);
}

/* A parameter of openConnection. */
static const void *
param(const UA_KeyValueMap *params, const char *name, const UA_DataType *type)
{
	return UA_KeyValueMap_getScalar(params, UA_QUALIFIEDNAME(0, (char *)(uintptr_t)name), type);
}

static UA_StatusCode
cm_open(UA_ConnectionManager *cm, const UA_KeyValueMap *params, void *application, void *context,
    UA_ConnectionManager_connectionCallback call)
{
	struct ua_loop *l = of(cm);
	struct ua_socket *s = NULL;
	const UA_String *host = param(params, "address", &UA_TYPES[UA_TYPES_STRING]);
	const UA_UInt16 *port = param(params, "port", &UA_TYPES[UA_TYPES_UINT16]);

	for (unsigned i = 0; i < UA_SOCKETS_MAX && s == NULL; i++)
		if (l->sockets[i].state == UA_SOCKET_FREE)
			s = &l->sockets[i];
	if (s == NULL || host == NULL || port == NULL || host->length == 0 || host->length >= sizeof s->host)
		return UA_STATUSCODE_BADRESOURCEUNAVAILABLE;
	*s = (struct ua_socket){ .fd = -1, .port = *port, .application = application, .context = context, .call = call };
	memcpy(s->host, host->data, host->length);
	/* The library keeps the brackets of an IPv6 address or not, by version. */
	char *name = s->host[0] == '[' ? s->host + 1 : s->host;
	name[strcspn(name, "]")] = '\0';
	if (l->lock.drop != NULL)
		l->lock.drop(l->lock.arg);
	s->naddresses = lookup_host(name, s->port, s->addresses, UA_ADDRESSES_MAX, l->why, sizeof l->why);
	if (l->lock.take != NULL)
		l->lock.take(l->lock.arg);
	if (s->naddresses == 0 || !connect_next(l, s))
		return UA_STATUSCODE_BADCONNECTIONREJECTED;
	s->state = UA_SOCKET_CONNECTING;
	s->id = ++l->last_socket;
	tell(l, s, UA_CONNECTIONSTATE_OPENING, UA_BYTESTRING_NULL);
	return UA_STATUSCODE_GOOD;
}

static struct ua_socket *
find(struct ua_loop *l, uintptr_t id)
{
	for (unsigned i = 0; i < UA_SOCKETS_MAX; i++)
		if (l->sockets[i].state != UA_SOCKET_FREE && l->sockets[i].id == id)
			return &l->sockets[i];
	return NULL;
}

/* Keep what the kernel did not take. */
static bool
keep(struct ua_socket *s, const uint8_t *p, size_t len)
{
	size_t held = s->out_len - s->out_at;

	if (held + len > UA_SEND_MAX)
		return false;
	uint8_t *more = malloc(held + len);
	if (more == NULL)
		return false;
	if (held > 0)
		memcpy(more, s->out + s->out_at, held);
	memcpy(more + held, p, len);
	free(s->out);
	s->out = more;
	s->out_len = held + len;
	s->out_at = 0;
	return true;
}

static UA_StatusCode
cm_send(UA_ConnectionManager *cm, uintptr_t id, const UA_KeyValueMap *params, UA_ByteString *buf)
{
	struct ua_loop *l = of(cm);
	struct ua_socket *s = find(l, id);
	bool good = s != NULL && s->state == UA_SOCKET_OPEN;

	(void)params;
	if (good) {
		ssize_t n = s->out == NULL ? stream_write(s->fd, buf->data, buf->length) : 0;
		if (n == ERR_AGAIN)
			n = 0;
		if (n < 0) {
			snprintf(l->why, sizeof l->why, "writing failed: %s", tcp_cause(errno));
			good = false;
		} else if ((size_t)n < buf->length && !keep(s, buf->data + n, buf->length - (size_t)n)) {
			snprintf(l->why, sizeof l->why, "the server does not read what is sent to it");
			good = false;
		}
		l->bytes_out += buf->length;
		if (!good)
			closing(s);
	}
	UA_ByteString_clear(buf);
	return good ? UA_STATUSCODE_GOOD : UA_STATUSCODE_BADCONNECTIONCLOSED;
}

static UA_StatusCode
cm_close(UA_ConnectionManager *cm, uintptr_t id)
{
	struct ua_socket *s = find(of(cm), id);

	if (s == NULL)
		return UA_STATUSCODE_BADCONNECTIONCLOSED;
	closing(s);
	return UA_STATUSCODE_GOOD;
}

static UA_StatusCode
cm_alloc(UA_ConnectionManager *cm, uintptr_t id, UA_ByteString *buf, size_t size)
{
	(void)cm;
	(void)id;
	return UA_ByteString_allocBuffer(buf, size);
}

static void
cm_free(UA_ConnectionManager *cm, uintptr_t id, UA_ByteString *buf)
{
	(void)cm;
	(void)id;
	UA_ByteString_clear(buf);
}

static UA_StatusCode cm_start(UA_EventSource *es) { es->state = UA_EVENTSOURCESTATE_STARTED; return UA_STATUSCODE_GOOD; }
static void cm_stop(UA_EventSource *es) { es->state = UA_EVENTSOURCESTATE_STOPPED; }
static UA_StatusCode cm_release(UA_EventSource *es) { (void)es; return UA_STATUSCODE_GOOD; }

void
ua_tcp_init(struct ua_loop *l)
{
	l->cm = (UA_ConnectionManager){
		.eventSource = { .eventSourceType = UA_EVENTSOURCETYPE_CONNECTIONMANAGER, .eventLoop = &l->el,
		    .name = UA_STRING_STATIC("penstock"), .start = cm_start, .stop = cm_stop, .free = cm_release },
		.protocol = UA_STRING_STATIC("tcp"), .openConnection = cm_open, .sendWithConnection = cm_send,
		.closeConnection = cm_close, .allocNetworkBuffer = cm_alloc, .freeNetworkBuffer = cm_free };
}

unsigned
ua_tcp_wants(struct ua_loop *l, struct wait_fd *v, struct ua_socket **which, struct mono *until)
{
	unsigned n = 0;

	for (unsigned i = 0; i < UA_SOCKETS_MAX; i++) {
		struct ua_socket *s = &l->sockets[i];
		if (s->state == UA_SOCKET_CLOSING)
			*until = (struct mono){ 0 };
		if (s->state != UA_SOCKET_CONNECTING && s->state != UA_SOCKET_OPEN)
			continue;
		if (s->state == UA_SOCKET_CONNECTING)
			*until = mono_min(*until, s->give_up_at);
		v[n] = (struct wait_fd){ .fd = s->fd, .in = s->state == UA_SOCKET_OPEN,
			.out = s->state == UA_SOCKET_CONNECTING || s->out != NULL };
		which[n++] = s;
	}
	return n;
}

/* The connection stands: say the hello that saves FindServers, with the URL that the client was told to use. */
static void
opened(struct ua_loop *l, struct ua_socket *s)
{
	uint8_t msg[8 + 4 + 4 + 300];
	char url[300];
	int err = tcp_result(s->fd);

	if (err != 0) {
		connect_failed(l, s, err);
		return;
	}
	s->state = UA_SOCKET_OPEN;
	int len = snprintf(url, sizeof url, "opc.tcp://%s:%d", s->host, s->port);
	struct { uint32_t size, none, len; } head = { 16 + (uint32_t)len, UINT32_MAX, (uint32_t)len };
	memcpy(msg, "RHEF", 4);
	for (unsigned i = 0; i < 4; i++) {
		msg[4 + i] = (uint8_t)(head.size >> 8 * i);
		msg[8 + i] = (uint8_t)(head.none >> 8 * i);
		msg[12 + i] = (uint8_t)(head.len >> 8 * i);
	}
	memcpy(msg + 16, url, (size_t)len);
	tell(l, s, UA_CONNECTIONSTATE_ESTABLISHED, (UA_ByteString){ head.size, msg });
}

static void
flush(struct ua_loop *l, struct ua_socket *s)
{
	ssize_t n = stream_write(s->fd, s->out + s->out_at, s->out_len - s->out_at);

	if (n == ERR_AGAIN)
		return;
	if (n < 0) {
		snprintf(l->why, sizeof l->why, "writing failed: %s", tcp_cause(errno));
		closing(s);
		return;
	}
	s->out_at += (size_t)n;
	if (s->out_at == s->out_len) {
		free(s->out);
		s->out = NULL;
		s->out_at = s->out_len = 0;
	}
}

void
ua_tcp_ready(struct ua_loop *l, struct ua_socket *s, const struct wait_fd *w)
{
	char text[TCP_ADDR_TEXT];

	if (s->state == UA_SOCKET_CONNECTING) {
		opened(l, s);
		return;
	}
	if (s->state == UA_SOCKET_OPEN && w->can_out && s->out != NULL)
		flush(l, s);
	if (s->state != UA_SOCKET_OPEN || !w->can_in)
		return;
	ssize_t n = stream_read(s->fd, l->in, sizeof l->in);
	if (n == ERR_AGAIN)
		return;
	if (n > 0) {
		l->bytes_in += (uint64_t)n;
		tell(l, s, UA_CONNECTIONSTATE_ESTABLISHED, (UA_ByteString){ (size_t)n, l->in });
		return;
	}
	snprintf(l->why, sizeof l->why, "%s: %s", where(s, text), tcp_cause(n == ERR_END ? 0 : errno));
	closing(s);
}

bool
ua_tcp_sweep(struct ua_loop *l, struct mono now)
{
	bool any = false;

	for (unsigned i = 0; i < UA_SOCKETS_MAX; i++) {
		struct ua_socket *s = &l->sockets[i];
		if (s->state == UA_SOCKET_CONNECTING && !mono_before(now, s->give_up_at)) {
			connect_failed(l, s, ETIMEDOUT);
			any = true;
		}
		if (s->state != UA_SOCKET_CLOSING)
			continue;
		any = true;
		if (s->fd >= 0 && s->out == NULL)
			stream_close(s->fd);
		else if (s->fd >= 0) {
			flush(l, s);
			stream_close(s->fd);
		}
		free(s->out);
		struct ua_socket gone = *s;
		*s = (struct ua_socket){ .state = UA_SOCKET_FREE };
		gone.call(&l->cm, gone.id, gone.application, &gone.context, UA_CONNECTIONSTATE_CLOSING, &UA_KEYVALUEMAP_NULL,
		    UA_BYTESTRING_NULL);
	}
	return any;
}
