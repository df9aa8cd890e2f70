/*
 * Serial lines (RS-232, RS-485, USB adapters, pseudo terminals): raw, no flow control, never blocking, locked so that
 * no second program talks on the same line.
 */
#ifndef OS_SERIAL_H
#define OS_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

struct serial_line {
	const char	*device;	/* "/dev/ttyS0"; borrowed for the call */
	int		 baud;		/* bits a second, one of the rates that termios knows: 50..4000000 */
	int		 data_bits;	/* 5..8 */
	int		 stop_bits;	/* 1 or 2 */
	char		 parity;	/* 'N', 'E', 'O' */
	bool		 rs485;		/* let the kernel switch the transmitter: driver-enable by RTS */
};

/*
 * Open and set up; pending input is thrown away. *fd given (stream_close()). On failure a negative error, *fd -1, and
 * cause and remedy in why (at most size bytes): ERR_BUSY when somebody else holds the line, ERR_RANGE for a setting
 * that the line cannot do, else by errno.
 */
int serial_open(const struct serial_line *line, int *fd, char *why, size_t size);

#endif
