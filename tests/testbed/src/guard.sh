# Starts PostgreSQL in a folder, stops it when standard input ends, and removes the folder.
# Standard input is a pipe whose other end only the owner holds: it ends however the owner ends.
# Arguments: the folder, which holds the password of `postgres`; the folder of the programs; options of the server.
set -u
umask 077
# `sleep` and `rm` must be found, whatever the owner's search path.
PATH=${PATH:-}:/usr/bin:/bin
folder=$1 programs=$2
shift 2
cd "$folder" || exit 1
trap '' HUP INT
# Spares `initdb` the search for the system's time zone, and tests the difference.
export TZ=UTC
{
    "$programs/initdb" --pgdata=data --username=postgres --pwfile=password --auth=scram-sha-256 \
        --encoding=UTF8 --no-locale --no-sync &&
        "$programs/postgres" -D data "$@"
    echo $? >ended
} >log 2>&1 </dev/null &
read -r _
# Again and again, for the shell has it ignore the signal until it has a handler of its own.
until [ -e ended ]; do
    pid=
    read -r pid <data/postmaster.pid
    case $pid in
    # `initdb` notes its own server's id as a negative number.
    '' | -*) ;;
    *) kill -QUIT "$pid" ;;
    esac
    sleep 0.02
done
cd / && rm -rf -- "$folder"
