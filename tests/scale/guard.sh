# Ends all that was started for a folder when standard input ends, and removes the folder. Standard input is a pipe whose other
# end only the owner holds: it ends however the owner ends. The argument is the folder; its file `started` has the id of a
# process group on each line, and a server that another program started has its id in its own folder. What has ended may have
# left its id to a stranger, who is not in the folder.
set -u
trap '' HUP INT TERM
read -r _
while read -r group; do
    case $(readlink "/proc/$group/cwd") in
    '' | "$1"*) kill -KILL "-$group" 2>/dev/null ;;
    esac
done <"$1/started"
for file in "$1"/*/postmaster.pid; do
    read -r server <"$file" || continue
    case $(readlink "/proc/$server/cwd") in
    "$1"*) kill -KILL "$server" ;;
    esac
done 2>/dev/null
# What a group's end ends needs a moment, and may write until then.
until rm -rf -- "$1" 2>/dev/null; do sleep 0.05; done
