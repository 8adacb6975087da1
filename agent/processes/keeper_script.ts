/**
 * The shell that ends what is left if the agent is killed.
 *
 * It reads one line for each thing that it is told:
 * - `+ MARK`: a mark to look for
 * - `p MARK PID STARTED`: a process that belongs to it, and to whose session look, too
 * - `x MARK PID STARTED`: that one has ended
 * - `- MARK`: all of this mark has ended
 * - `done`: nothing is left to do
 *
 * If its input ends without `done`, it looks through /proc as `lineage.ts` does, and ends what it
 * finds: SIGTERM, SIGKILL after `$1` tenths of a second, until a look finds nothing. Where there is
 * no /proc, or no GNU grep, it finds less: groups alone, or sessions alone.
 *
 * @module
 */
export const KEEPER_SCRIPT = `
trap '' HUP INT TERM QUIT
marks= known=
without() { # LIST PATTERN
  rest=
  for each in $1; do
    case $each in $2) ;; *) rest="$rest $each" ;; esac
  done
}
while read -r what mark pid started; do
  case $what in
    +) marks="$marks $mark" ;;
    p) known="$known $mark:$pid:$started" ;;
    x) without "$known" "$mark:$pid:$started"; known=$rest ;;
    -) without "$marks" "$mark"; marks=$rest
       without "$known" "$mark:*"; known=$rest ;;
    done) exit 0 ;;
  esac
done
[ -z "$marks$known" ] && exit 0

stat_of() { # PID: sets state, parent, group, session, started
  line=
  while read -r part || [ -n "$part" ]; do line="$line $part"; done <"/proc/$1/stat" || return 1
  set -- \${line##*) }
  [ $# -ge 20 ] || return 1
  state=$1 parent=$2 group=$3 session=$4 started=\${20}
  [ "$state" != Z ] && [ "$state" != X ] || [ "\${18}" -gt 1 ]
}

find_left() { # sets found, as " PID:STARTED PID:STARTED "
  set --
  for mark in $marks; do set -- "$@" -e "OUROCODUS_MARK=$mark"; done
  marked=
  [ $# -gt 0 ] && marked=" $(grep -slzxF "$@" /proc/[0-9]*/environ | tr '\\n' ' ') "
  rows=' '
  for folder in /proc/[0-9]*; do
    pid=\${folder#/proc/}
    stat_of "$pid" && rows="$rows$pid:$parent:$session:$group:$started "
  done
  sessions=' '
  for each in $known; do
    started=\${each##*:} pid=\${each#*:}; pid=\${pid%:*}
    case $rows in
      *" $pid:"*:"$started "*) ;;
      *" $pid:"*) continue ;;
    esac
    sessions="$sessions$pid "
  done
  found=' ' pids=' ' before=
  while [ "$before" != "$found" ]; do
    before=$found
    for row in $rows; do
      pid=\${row%%:*} started=\${row##*:}
      case $pids in *" $pid "*) continue ;; esac
      parent=\${row#*:}; session=\${parent#*:}; group=\${session#*:}
      parent=\${parent%%:*} session=\${session%%:*} group=\${group%%:*}
      belongs=
      case $marked in *" /proc/$pid/environ "*) belongs=1 ;; esac
      case $sessions in *" $session "*|*" $group "*) belongs=1 ;; esac
      case $pids in *" $parent "*) belongs=1 ;; esac
      case "$known " in *":$pid:$started "*) belongs=1 ;; esac
      [ -n "$belongs" ] && found="$found$pid:$started " pids="$pids$pid "
    done
  done
}

tell() { # SIGNAL
  for each in $found; do
    pid=\${each%:*} expected=\${each#*:}
    case $told in *" $each "*) continue ;; esac
    stat_of "$pid" && [ "$started" = "$expected" ] && kill -s "$1" "$pid"
    [ "$1" = TERM ] && told="$told$each "
  done
}

pause() { sleep 0.1 || sleep 1; }

exec 2>/dev/null
if ! [ -r /proc/self/stat ]; then
  for each in $known; do pid=\${each#*:}; kill -s TERM -- "-\${pid%:*}"; done
  sleep "$((($1 + 9) / 10))"
  for each in $known; do pid=\${each#*:}; kill -s KILL -- "-\${pid%:*}"; done
  exit 0
fi
told=' ' left=$1
find_left
while [ "$found" != ' ' ] && [ "$left" -gt 0 ]; do
  tell TERM
  pause
  left=$((left - 1))
  find_left
done
tries=100
while [ "$found" != ' ' ] && [ "$tries" -gt 0 ]; do
  told=' '
  tell KILL
  pause
  tries=$((tries - 1))
  find_left
done
`;
