/*
 * Carries the standard streams of commands that the host runs in the built-in guest; `agent` says when.
 *
 *   command-stream route STATE
 *     Copies the host's lines from standard input to standard output, but for those about the streams of a command,
 *     `in ID BASE64`, `eof ID`, `size ID ROWS COLUMNS`, `more ID COUNT`, which go to the FIFO STATE/ID/control.
 *   command-stream run FOLDER ID WINDOW [ROWS COLUMNS]
 *     Runs `sh FOLDER/command` in a session of its own, with a terminal if a size is given, and ends with its status.
 *     Writes `out ID BASE64`, `err ID BASE64`, `more ID COUNT` to descriptor 4.
 *
 * Neither side runs ahead of the other: WINDOW bytes of output, and COUNT more with each `more` of the host, may be
 * sent; the host sends input only after a `more` of the guest. WINDOW `-` is a host that knows nothing of this: no
 * input, and output as it comes.
 *
 * Descriptor 4 is a pipe that all commands share: lines stay whole since each is one write of at most PIPE_BUF bytes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  LINES = 4,           /* descriptor that takes our lines */
  CHUNK = 3000,        /* bytes in a line: 4000 in base64, and the words before */
  INPUT = 32 << 10,    /* bytes of input that may be on their way */
  CONTROL = 256 << 10, /* bytes that the control FIFO holds, so that who writes to it never waits */
  LONGEST = 256 << 10, /* bytes of the longest line of the host */
  QUIET = 1000,        /* milliseconds of silence after which nobody waits for what a command left running */
  END_OF_FILE = 4      /* Ctrl-D */
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct command {
  const char *id;
  int control, ended;
  int input;     /* -1 once it is closed */
  int output[2]; /* standard output (or the terminal), standard error; -1 at the end */
  bool has_terminal, is_asked, is_input_over;
  bool is_in_line; /* the last byte of input ended no line */
  long credit; /* bytes of output that may be sent */
  unsigned char waiting[INPUT];
  size_t waiting_size, owed; /* input not written yet; input written that was not asked for again */
  char line[2 * 4096];       /* of the control FIFO */
  size_t line_size;
};

/* Writes all; the end of the reader is ours. */
static void put(int fd, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t done = write(fd, bytes, size);
    if (done < 0 && errno != EINTR) _exit(1);
    if (done > 0) bytes += done, size -= (size_t)done;
  }
}

static size_t encode(const unsigned char *bytes, size_t size, char *text) {
  char *start = text;
  for (size_t i = 0; i < size; i += 3) {
    unsigned word = (unsigned)bytes[i] << 16;
    if (i + 1 < size) word |= (unsigned)bytes[i + 1] << 8;
    if (i + 2 < size) word |= bytes[i + 2];
    *text++ = digits[word >> 18];
    *text++ = digits[word >> 12 & 63];
    *text++ = i + 1 < size ? digits[word >> 6 & 63] : '=';
    *text++ = i + 2 < size ? digits[word & 63] : '=';
  }
  return (size_t)(text - start);
}

/* Decodes up to `room` bytes; what is no base64 ends it. */
static size_t decode(const char *text, unsigned char *bytes, size_t room) {
  size_t size = 0;
  unsigned word = 0;
  for (int count = 0; *text != '\0' && *text != '='; text++) {
    const char *digit = strchr(digits, *text);
    if (digit == NULL) break;
    word = word << 6 | (unsigned)(digit - digits);
    if (++count % 4 == 1) continue;
    if (size == room) break;
    bytes[size++] = (unsigned char)(word >> (6 - 2 * ((count - 1) % 4)));
  }
  return size;
}

static void say_more(struct command *command, size_t count) {
  char line[128];
  int size = snprintf(line, sizeof line, "more %s %zu\n", command->id, count);
  put(LINES, line, (size_t)size);
}

/* Sends what is to be read; notes the end. */
static void send_output(struct command *command, int which) {
  static const char *const kinds[] = {"out", "err"};
  unsigned char bytes[CHUNK];
  size_t most = command->credit < CHUNK ? (size_t)command->credit : CHUNK;
  ssize_t size = read(command->output[which], bytes, most);
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (size <= 0) { /* EIO: nobody has the terminal open any more */
    if (!command->has_terminal) close(command->output[which]);
    command->output[which] = -1;
    return;
  }
  char line[CHUNK / 3 * 4 + 128];
  int start = snprintf(line, 96, "%s %s ", kinds[which], command->id);
  size_t end = (size_t)start + encode(bytes, (size_t)size, line + start);
  line[end++] = '\n';
  put(LINES, line, end);
  if (command->is_asked) command->credit -= size;
}

static void close_input(struct command *command) {
  if (command->input >= 0 && !command->has_terminal) close(command->input);
  command->input = -1;
  command->waiting_size = 0;
}

/* Writes what waits, asks for more, and ends the input once that is due. */
static void write_input(struct command *command) {
  if (command->input < 0) return;
  if (command->waiting_size > 0) {
    ssize_t size = write(command->input, command->waiting, command->waiting_size);
    if (size < 0 && errno != EAGAIN && errno != EINTR) return close_input(command); /* who read it has gone */
    if (size > 0) {
      unsigned char last = command->waiting[size - 1];
      command->is_in_line = last != '\n' && last != '\r'; /* a terminal makes the second of these the first */
      command->waiting_size -= (size_t)size;
      memmove(command->waiting, command->waiting + size, command->waiting_size);
      command->owed += (size_t)size;
    }
  }
  if (command->owed > 0 && (command->waiting_size == 0 || command->owed >= INPUT / 4)) {
    say_more(command, command->owed);
    command->owed = 0;
  }
  if (!command->is_input_over || command->waiting_size > 0) return;
  if (command->has_terminal) {
    /* Within a line the first only hands over what there is of it. */
    const unsigned char end[] = {END_OF_FILE, END_OF_FILE};
    if (write(command->input, end, command->is_in_line ? 2 : 1) < 0 && errno == EAGAIN) return;
    command->is_input_over = false;
  } else {
    close_input(command);
  }
}

static void obey(struct command *command, const char *line) {
  struct winsize size = {0};
  if (strncmp(line, "in ", 3) == 0) {
    size_t room = INPUT - command->waiting_size;
    if (command->input >= 0)
      command->waiting_size += decode(line + 3, command->waiting + command->waiting_size, room);
  } else if (strncmp(line, "more ", 5) == 0) {
    command->credit += strtol(line + 5, NULL, 10);
  } else if (strncmp(line, "eof", 3) == 0) {
    command->is_input_over = true;
  } else if (command->has_terminal && sscanf(line, "size %hu %hu", &size.ws_row, &size.ws_col) == 2) {
    ioctl(command->output[0], TIOCSWINSZ, &size);
  }
}

static void read_control(struct command *command) {
  char *text = command->line;
  ssize_t size = read(command->control, text + command->line_size, sizeof command->line - command->line_size);
  if (size <= 0) return;
  command->line_size += (size_t)size;
  char *end;
  while ((end = memchr(text, '\n', command->line_size - (size_t)(text - command->line))) != NULL) {
    *end = '\0';
    obey(command, text);
    text = end + 1;
  }
  command->line_size -= (size_t)(text - command->line);
  memmove(command->line, text, command->line_size);
  if (command->line_size == sizeof command->line) command->line_size = 0; /* no line of ours is that long */
}

/* The child: never returns. */
static void become(const char *folder, const int standard[3], bool has_terminal) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  /* A shell starts what runs beside it with Ctrl-C ignored. */
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  setsid();
  if (has_terminal) ioctl(standard[0], TIOCSCTTY, 0);
  for (int i = 0; i < 3; i++) dup2(standard[i], i);
  close_range(3, ~0U, 0);
  char script[4096];
  snprintf(script, sizeof script, "%s/command", folder);
  if (chdir("/root") == 0) execlp("sh", "sh", script, (char *)NULL);
  _exit(127);
}

/* Makes the streams and starts the command; its process, or -1. */
static pid_t start(struct command *command, const char *folder, const struct winsize *size) {
  int child[3], ends[2];
  if (command->has_terminal) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) return -1;
    child[0] = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (child[0] < 0) return -1;
    ioctl(master, TIOCSWINSZ, size);
    child[1] = child[2] = child[0];
    command->input = command->output[0] = master;
    command->output[1] = -1;
  } else {
    for (int i = 0; i < 2; i++) {
      if (pipe2(ends, O_CLOEXEC) < 0) return -1;
      command->output[i] = ends[0];
      child[i + 1] = ends[1];
    }
    command->input = -1;
    if (!command->is_asked) {
      child[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    } else {
      if (pipe2(ends, O_CLOEXEC) < 0) return -1;
      child[0] = ends[0];
      command->input = ends[1];
      fcntl(command->input, F_SETFL, O_NONBLOCK);
    }
  }
  pid_t process = fork();
  if (process == 0) become(folder, child, command->has_terminal);
  for (int i = 0; i < (command->has_terminal ? 1 : 3); i++) close(child[i]);
  return process;
}

/* Carries until the command has ended and its output is through; its status. */
static int carry(struct command *command, pid_t process) {
  int status = -1;
  for (;;) {
    bool may_send = command->credit > 0;
    bool has_input = command->input >= 0 && (command->waiting_size > 0 || command->is_input_over);
    struct pollfd watched[] = {
        {.fd = command->control, .events = POLLIN},
        {.fd = status < 0 ? command->ended : -1, .events = POLLIN},
        {.fd = may_send ? command->output[0] : -1, .events = POLLIN},
        {.fd = may_send ? command->output[1] : -1, .events = POLLIN},
        {.fd = has_input && !command->has_terminal ? command->input : -1, .events = POLLOUT},
    };
    if (has_input && command->has_terminal && watched[2].fd >= 0) watched[2].events |= POLLOUT;
    bool is_over = status >= 0;
    if (is_over && command->output[0] < 0 && command->output[1] < 0) return status;
    int count = poll(watched, 5, is_over && may_send ? QUIET : -1);
    if (count < 0 && errno != EINTR) return 1;
    if (count == 0) return status;
    if (watched[0].revents) read_control(command);
    if (watched[1].revents && waitpid(process, &status, WNOHANG) == process)
      status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    for (int i = 0; i < 2; i++)
      if (watched[2 + i].revents & (POLLIN | POLLHUP | POLLERR)) send_output(command, i);
    write_input(command);
  }
}

static int run(const char *folder, const char *id, const char *window, const struct winsize *size) {
  static struct command command;
  command.id = id;
  command.is_asked = strcmp(window, "-") != 0;
  command.credit = command.is_asked ? strtol(window, NULL, 10) : CHUNK;
  command.has_terminal = size != NULL;
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  signal(SIGPIPE, SIG_IGN);
  command.ended = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  char path[4096];
  snprintf(path, sizeof path, "%s/control", folder);
  if (mkfifo(path, 0600) < 0) return 127;
  /* For writing too: then it never ends. */
  command.control = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  fcntl(command.control, F_SETPIPE_SZ, CONTROL);
  pid_t process = start(&command, folder, size);
  if (process < 0 || command.control < 0) return 127;
  if (command.is_asked) say_more(&command, INPUT);
  return carry(&command, process);
}

/* A line about the streams of a command goes there, whatever becomes of it; false for any other. */
static bool routed(const char *state, char *line) {
  static const char *const verbs[] = {"in ", "eof ", "size ", "more "};
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
    size_t length = strlen(verbs[i]);
    if (strncmp(line, verbs[i], length) != 0) continue;
    char *id = line + length, *rest = strchrnul(id, ' ');
    bool has_more = *rest != '\0';
    *rest = '\0';
    char text[4096];
    snprintf(text, sizeof text, "%s/%s/control", state, id);
    int fd = strspn(id, digits) == strlen(id) && strchr(id, '/') == NULL ? open(text, O_WRONLY | O_NONBLOCK) : -1;
    if (fd < 0) return true;
    int size = snprintf(text, sizeof text, "%s%s\n", verbs[i], has_more ? rest + 1 : "");
    if (size > 0 && (size_t)size < sizeof text && write(fd, text, (size_t)size) < 0) perror(id);
    close(fd);
    return true;
  }
  return false;
}

static int route(const char *state) {
  static char line[LONGEST];
  size_t size = 0;
  signal(SIGPIPE, SIG_IGN);
  for (;;) {
    ssize_t more = read(STDIN_FILENO, line + size, sizeof line - size - 1);
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) return 0; /* no host */
    size += (size_t)more;
    char *start = line, *end;
    while ((end = memchr(start, '\n', size - (size_t)(start - line))) != NULL) {
      *end = '\0';
      if (!routed(state, start)) {
        *end = '\n';
        put(STDOUT_FILENO, start, (size_t)(end + 1 - start));
      }
      start = end + 1;
    }
    size -= (size_t)(start - line);
    memmove(line, start, size);
    if (size == sizeof line - 1) size = 0;
  }
}

int main(int count, char **words) {
  struct winsize size = {.ws_row = 24, .ws_col = 80};
  if (count == 3 && strcmp(words[1], "route") == 0) return route(words[2]);
  if (count != 5 && count != 7) return 2;
  if (count == 7) {
    size.ws_row = (unsigned short)atoi(words[5]);
    size.ws_col = (unsigned short)atoi(words[6]);
  }
  return run(words[2], words[3], words[4], count == 7 ? &size : NULL);
}
