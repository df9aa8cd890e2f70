/*
 * The keys of a Modbus source, one table for all three drivers (their order is the same, defaults differ where the
 * media do), and the configuration that they become.
 */
#ifndef DRIVER_MODBUS_KEYS_H
#define DRIVER_MODBUS_KEYS_H

#include "driver/driver.h"
#include "driver/modbus/modbus_addr.h"
#include "driver/modbus/modbus_frame.h"

enum mb_key {
	MB_KEY_UNIT, MB_KEY_ADDRESS_BASE, MB_KEY_WORD_ORDER, MB_KEY_STRING_ORDER, MB_KEY_NOT_IMPLEMENTED, MB_KEY_NAN,
	MB_KEY_BLOCK_LIMIT, MB_KEY_BIT_BLOCK_LIMIT, MB_KEY_GAP_LIMIT, MB_KEY_IN_FLIGHT, MB_KEY_REQUEST_GAP,
	    MB_KEY_TIMEOUT,
	MB_KEY_RETRIES, MB_KEY_RETRY_DELAY, MB_KEY_ISOLATED_RETRY, MB_KEY_WRITES, MB_KEY_MASK_WRITE, MB_KEY_READ_MODIFY_WRITE,
	    MB_KEY_WRITE_MULTIPLE,
	/* streams */
	MB_KEY_CONNECT_TIMEOUT, MB_KEY_RECONNECT_AFTER, MB_KEY_ROUND_TRIP,
	MB_KEYS_TCP,
	/* tunnels: as TCP, and */
	MB_KEY_TUNNEL_TURNAROUND = MB_KEYS_TCP,
	MB_KEYS_TUNNEL,
	/* serial lines: the common ones, and */
	MB_KEY_BAUD = MB_KEY_CONNECT_TIMEOUT, MB_KEY_PARITY, MB_KEY_STOP_BITS, MB_KEY_RS485, MB_KEY_TURNAROUND,
	MB_KEYS_RTU,
};

extern const char *const mb_at_forms[];	/* of addresses, for the reference */
extern const struct key mb_keys_tcp[], mb_keys_rtu[], mb_keys_rtu_tcp[];

struct mb_conf {
	uint8_t		 unit;
	struct mb_addr_rules rules;
	bool		 nan_bad, writes, mask_write, read_modify_write, write_multiple;
	uint16_t	 gap_limit;		/* registers; bits: 16 times as many */
	uint8_t		 window;		/* requests in flight */
	uint8_t		 retries;
	int		 reconnect_after;	/* timeouts in a row */
	int64_t		 request_gap_ns, timeout_ns, retry_delay_ns, isolated_ns, turnaround_ns, connect_ns,
	    round_trip_ns;
	int		 baud, stop_bits;	/* baud 0: a stream */
	char		 parity;
	bool		 rs485;
};

/* keys: MB_KEYS_... values of the framing's table, or NULL for all defaults. */
/* Does the source's key `writes` let requests write? 0, or ERR_DENIED with the remedy in why. */
int mb_can_write(const struct keyval *keys, char *why, size_t size);
void mb_conf_read(enum mb_framing f, const struct keyval *keys, struct mb_conf *out);

/* The parts of a driver record that the configuration answers; f by the record. */
int mb_link(enum mb_framing f, const struct source *s, struct link_spec *out);
int mb_parse_at(enum mb_framing f, const char *at, const struct keyval *keys, struct at_info *out, char *why,
    size_t size);

#endif
