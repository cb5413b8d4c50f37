#!/usr/bin/env bash
# Runs an MPI program on two simulated hosts, host-a and host-b, joined by a link of limited bandwidth:
#   sudo test/distributed/two-hosts.sh openmpi|mpich <Gbit/s> <processes per host> -- command args...
# A host is a set of Linux namespaces with its own network, name, IPC, /dev/shm and /sys. Files, processors and process
# ids are shared. The link adds no latency. Needs root, iproute2, util-linux, and mpirun.openmpi or mpirun.mpich.
# Forwards SIGINT, SIGTERM and SIGHUP to mpirun. TWO_HOSTS_MPIRUN_ARGS: further mpirun arguments, separated by blanks.
# Prints the traffic as the last line on stderr. Exits with mpirun's code, 2 for wrong usage, 3 if the set-up fails.
# shellcheck disable=SC2317 # functions that traps and wait_until call
set -u
fail() { echo "two-hosts: $2" >&2; exit "$1"; }
[[ $# -ge 5 && $1 =~ ^(openmpi|mpich)$ && $2 =~ ^[0-9]+(\.[0-9]+)?$ && $3 =~ ^[1-9][0-9]*$ && $4 == -- ]] ||
  fail 2 "usage: two-hosts.sh openmpi|mpich <Gbit/s> <processes per host> -- command args..."
kind=$1 gbit=$2 ranks=$3
shift 4
GRACE=3 # seconds that processes may outlive mpirun
[[ $EUID == 0 ]] || fail 3 "must run as root"
mpirun=$(command -v "mpirun.$kind") || fail 3 "mpirun.$kind is not installed"

# A sleeping process, the holder, keeps a host's namespaces alive.
holders=() job='' folder=''
on() { nsenter -t "$1" --net --uts --ipc --mount -- "${@:2}"; } # <holder> command...
processes() { # all but the holders
  local entry holder
  for entry in /proc/[0-9]*; do
    for holder in "${holders[@]}"; do
      # A zombie has no exe.
      [[ ${entry#/proc/} != "$holder" && $entry/ns/net -ef /proc/$holder/ns/net && -e $entry/exe ]] &&
        echo "${entry#/proc/}"
    done
  done
}
tear_down() {
  local code=$? left tries
  trap '' INT TERM HUP
  [[ $job ]] && kill -KILL "$job" 2>/dev/null
  for ((tries = 0; tries < 50; tries++)); do # killed daemons may have started more
    mapfile -t left < <(processes)
    ((${#left[@]})) || break
    kill -KILL "${left[@]}" 2>/dev/null
    sleep 0.05
  done
  ((${#holders[@]})) && kill -KILL "${holders[@]}" && wait "${holders[@]}" 2>/dev/null
  [[ $folder ]] && rm -rf "$folder"
  exit "$code"
}
trap tear_down EXIT
trap 'exit 130' INT; trap 'exit 143' TERM; trap 'exit 129' HUP

wait_until() { # <tries, one in 10 ms> command...
  local tries
  for ((tries = 0; tries < $1; tries++)); do "${@:2}" && return; sleep 0.01; done
  return 1
}
is_held() { [[ $(cat "/proc/$1/comm" 2>/dev/null) == sleep ]]; }
is_up() { on "$1" grep -q up /sys/class/net/eth0/operstate; }

folder=$(mktemp -d) || fail 3 "no temporary folder"
printf '%s\n' '127.0.0.1 localhost' '10.77.0.1 host-a' '10.77.0.2 host-b' >"$folder/hosts"
for _ in a b; do
  setsid unshare --net --uts --ipc --mount -- setpriv --pdeathsig KILL sleep infinity <&- &>/dev/null &
  holders+=($!)
  wait_until 200 is_held $! || fail 3 "cannot make namespaces (unshare)"
done
ip link add eth0 netns "${holders[0]}" type veth peer name eth0 netns "${holders[1]}" || fail 3 "no link (ip link)"
for i in 0 1; do
  # shellcheck disable=SC2016 # expanded on the host
  on "${holders[i]}" bash -ec '
    hostname "$1"
    mount --bind "$2" /etc/hosts
    mount -t tmpfs -o mode=1777 tmpfs /dev/shm
    mount -t sysfs sysfs /sys
    ip link set lo up
    ip address add "$3/24" dev eth0
    ip link set eth0 up
    # BBR is rare on clusters, and its pacing hides the bandwidth limit.
    ip route replace 10.77.0.0/24 dev eth0 src "$3" congctl cubic 2>/dev/null || true
    tc qdisc add dev eth0 root tbf rate "$4gbit" burst 512k latency 20ms
  ' - "$([[ $i == 0 ]] && echo host-a || echo host-b)" "$folder/hosts" "10.77.0.$((i + 1))" "$gbit" ||
    fail 3 "cannot set up host $i"
done
# UCX looks for networks once, and the link comes up after `ip link set up` returns.
for holder in "${holders[@]}"; do wait_until 500 is_up "$holder" || fail 3 "the link stays down"; done

# Replaces ssh: a new session in $HOME, with a bare environment.
cat >"$folder/agent" <<AGENT
#!/usr/bin/env bash
case \$1 in host-a) holder=${holders[0]} ;; host-b) holder=${holders[1]} ;; *) exit 255 ;; esac
exec setsid --wait nsenter -t \$holder --net --uts --ipc --mount -- env -i HOME="\$HOME" USER=root PATH="\$PATH" \\
  bash -c "cd; \${*:2}"
AGENT
chmod +x "$folder/agent"

hosts=host-a:$ranks,host-b:$ranks
read -ra more <<<"${TWO_HOSTS_MPIRUN_ARGS-}"
if [[ $kind == openmpi ]]; then # both hosts have the same processors: bind to none, and yield
  launch=(setpriv --pdeathsig TERM "$mpirun" --allow-run-as-root --host "$hosts" --bind-to none
    --mca mpi_yield_when_idle 1 --mca plm_rsh_agent "$folder/agent")
else # waits for the processes after SIGTERM
  launch=(setpriv --pdeathsig KILL "$mpirun" -hosts "$hosts" -launcher rsh -launcher-exec "$folder/agent")
fi
[[ -t 0 ]] && exec </dev/null # a background job that reads the terminal stops
set -m # a process group of its own: the terminal's Ctrl-C reaches mpirun once, from here
nsenter -t "${holders[0]}" --net --uts --ipc --mount --wdns="$PWD" -- \
  "${launch[@]}" "${more[@]}" -n $((2 * ranks)) "$@" &
job=$!
set +m
# shellcheck disable=SC2064 # expanded now
for signal in INT TERM HUP; do trap "kill -$signal $job" $signal; done
while wait "$job"; code=$?; [[ -e /proc/$job ]]; do :; done # signals interrupt `wait`
job=''

are_gone() { mapfile -t left < <(processes); ((${#left[@]} == 0)); }
if ! wait_until $((GRACE * 100)) are_gone; then
  echo "two-hosts: outlived mpirun by $GRACE s and were killed: $(ps -o pid=,args= -p "${left[*]}" | cut -c1-100)" >&2
fi
traffic=$(awk '/eth0:/ { print "a to b " $10 " bytes, b to a " $2 " bytes" }' "/proc/${holders[0]}/net/dev")
echo "two-hosts: $traffic; mpirun ended with $code" >&2
exit "$code"
