/* #! scripts: the interpreter gets its argument, the script's path, and the caller's arguments. */
#include "guest.h"

static void run(char *path, char **arguments) {
  char *environment[] = {"FROM=script", NULL};
  long pid = must(fork());
  if (pid == 0) {
    show("execve", sys(execve, path, arguments, environment));
    quit(50);
  }
  show_wait(path, pid);
}
static void script(const char *path, const char *first, const char *interpreter, const char *rest) {
  long fd = must(openat(path, O_WRONLY | O_CREAT, 0755));
  must(sys(write, fd, first, length(first)));
  must(sys(write, fd, interpreter, length(interpreter)));
  must(sys(write, fd, rest, length(rest)));
  sys(close, fd);
}

int main(int argc, char **argv, char **envp) {
  if (argc > 1) {
    for (int i = 1; i < argc; i++) say("argv[%d] \"%s\"\n", i, argv[i]);
    say("env \"%s\"\n", envp[0]);
    return 4;
  }
  char *arguments[] = {"ignored", "first", "second", NULL};
  script("plain", "#!", argv[0], "\n");
  script("argument", "#! ", argv[0], "  -x and  more \t\nbody\n");
  script("no-newline", "#!", argv[0], " last");
  script("nested", "#!./argument", "", " inner\n");
  script("missing", "#!/no/such/interpreter", "", "\n");
  script("nothing", "#!", "", "\n");
  script("loop", "#!./loop", "", "\n");
  run("plain", arguments);
  run("./argument", arguments);
  run("no-newline", arguments);
  run("./nested", arguments);
  run("missing", arguments);
  run("nothing", arguments);
  run("loop", arguments);
  return 0;
}
