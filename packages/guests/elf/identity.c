/* Who one is: ids, groups, sessions, names, system information. */
#include "guest.h"
#include <linux/prctl.h>
#include <linux/utsname.h>

int main(int argc, char **argv, char **envp) {
  (void)argc, (void)argv, (void)envp;
  say("uid %ld %ld gid %ld %ld\n", sys(getuid), sys(geteuid), sys(getgid), sys(getegid));
  unsigned ids[3] = {9, 9, 9};
  show("getresuid", sys(getresuid, &ids[0], &ids[1], &ids[2]));
  say("%u %u %u\n", ids[0], ids[1], ids[2]);
  say("pid is tid %d\n", getpid() == sys(gettid));
  struct new_utsname name;
  show("uname", sys(uname, &name));
  say("%s %s\n", name.sysname, name.machine);
  show("uname to nowhere", sys(uname, 8));
  char comm[16];
  show("PR_SET_NAME", sys(prctl, PR_SET_NAME, "a-name-longer-than-fifteen"));
  show("PR_GET_NAME", sys(prctl, PR_GET_NAME, comm));
  say("\"%s\"\n", comm);
  show("an unknown prctl", sys(prctl, 9999));
  long pid = must(fork());
  if (pid == 0) {
    say("in the child: session differs from pid %d\n", sys(getsid, 0) != getpid());
    say("setsid gives the pid %d\n", sys(setsid) == getpid());
    say("session %d group %d\n", sys(getsid, 0) == getpid(), sys(getpgid, 0) == getpid());
    show("setsid again", sys(setsid));
    show("setpgid of a session leader", sys(setpgid, 0, 0));
    quit(0);
  }
  show_wait("child", pid);
  show("getpgid of nobody", sys(getpgid, 0x3fffffff));
  show("getsid of nobody", sys(getsid, 0x3fffffff));
  show("setpgid of nobody", sys(setpgid, 0x3fffffff, 0));
  show("setpgid to a negative one", sys(setpgid, 0, -1));
  struct { long user_s, user_us, system_s, system_us, rest[14]; } usage;
  show("getrusage", sys(getrusage, 0, &usage));
  show("getrusage of what is not there", sys(getrusage, 5, &usage));
  struct { long uptime; unsigned long loads[3], total, free, shared, buffer, swap, swap_free; uint16_t procs; unsigned long high, free_high; uint32_t unit; } info;
  show("sysinfo", sys(sysinfo, &info));
  say("memory %d\n", info.total * info.unit >= (16UL << 20));
  unsigned long cpus[16];
  long n = sys(sched_getaffinity, 0, sizeof cpus, cpus);
  say("sched_getaffinity %d, a CPU is allowed %d\n", n > 0, (cpus[0] & 3) != 0);
  show("sched_yield", sys(sched_yield));
  show("getgroups", sys(getgroups, 0, NULL) >= 0);
  unsigned cpu = 99;
  show("getcpu", sys(getcpu, &cpu, NULL, NULL));
  say("below 64 %d\n", cpu < 64);
  return 0;
}
