/* The settings of the data half out of the source's keys. */
#include <string.h>

#include "base/map.h"
#include "driver/opcua/opcua_keys.h"
#include "driver/opcua/ua_data.h"

void
ua_data_init(struct ua_agent *a)
{
	const struct keyval *k = a->keys;

	if (a->data != NULL)
		return;
	a->data = arena_new(&a->memory, struct ua_data);
	*a->data = (struct ua_data){
		.read = k[UA_KEY_DATA].i == UA_MODE_READ,
		.publishing_ns = k[UA_KEY_PUBLISHING].i,
		.keep_alive_ns = k[UA_KEY_KEEP_ALIVE].i,
		.lifetime_ns = k[UA_KEY_LIFETIME].i,
		.queue = (uint32_t)k[UA_KEY_QUEUE].i,
		.per_call = (uint32_t)k[UA_KEY_PER_CALL].i,
		.pause_ns = k[UA_KEY_PAUSE].i,
		.timeout_ns = k[UA_KEY_TIMEOUT].i,
		.stale_ns = k[UA_KEY_STALE].i,
		.transfer = k[UA_KEY_TRANSFER].b,
		.history = k[UA_KEY_HISTORY].b,
		.history_window_ns = k[UA_KEY_HISTORY_WINDOW].i,
		.history_rate = (uint32_t)k[UA_KEY_HISTORY_RATE].i,
		.history_max = (uint32_t)k[UA_KEY_HISTORY_MAX].i,
		.random = (uint32_t)hash64(a->source->name, strlen(a->source->name)) | 1,
	};
}
