# Starts PostgreSQL in a folder, stops it when nobody holds it any more, and removes the folder.
# Standard input is a pipe whose other end only owners hold: it ends however they end. That of a shared server is the named
# pipe `alive` in the folder. Each owner writes a line when it joins.
# Arguments: the folder, which holds the password of `postgres`; the folder of the programs; how many tenths of a second
# without an owner end the server; options of the server.
set -u
umask 077
# `sleep` and `rm` must be found, whatever the owner's search path.
PATH=${PATH:-}:/usr/bin:/bin
folder=$1 programs=$2 patience=$3
shift 3
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
while
    idle=0
    while [ "$idle" -lt "$patience" ]; do
        if read -r _; then
            idle=0
        else
            idle=$((idle + 1))
            [ "$idle" -ge "$patience" ] || sleep 0.1
        fi
    done
    # From here nobody finds the pipe. Whoever opened it before writes a line, for which this waits.
    [ -p alive ] && mv alive closed && read -r _
do
    mv closed alive
done
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
