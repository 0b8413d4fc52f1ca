# Ends all that was started for a folder when standard input ends, and removes the folder. Standard input is a pipe whose other
# end only the owner holds: it ends however the owner ends. The argument is the folder; its file `started` has the id of a
# process group on each line.
set -u
trap '' HUP INT TERM
read -r _
while read -r group; do
    kill -KILL -- "-$group" 2>/dev/null
done <"$1/started"
# What a group's end ends needs a moment, and may write until then.
until rm -rf -- "$1" 2>/dev/null; do sleep 0.05; done
