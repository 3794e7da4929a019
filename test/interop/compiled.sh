# shellcheck shell=bash
# Sourced by the run of each stack whose client is generated from the served WSDL and compiled.
#
# `compiled GENERATE [FLAVOUR]...` sets $client to the directory with the compiled client. For a contract, a client's
# source and flavours that it has not seen, it calls the stack's function GENERATE with an empty directory and the flavours
# first; what that makes is kept in $INTEROP_CACHE.
set -euo pipefail

compiled() {
  local generate=$1 origin=${INTEROP_ENDPOINT%/*} wsdl locations location key
  wsdl=$(curl -fsS "$INTEROP_WSDL")
  locations=$(grep -o 'schemaLocation="[^"]*' <<<"$wsdl" | cut -d'"' -f2 | sed 's/&amp;/\&/g')
  # The port differs from run to run; what is generated hardly does, and each client is told the endpoint.
  key=$({
    printf '%s\n' "$wsdl"
    for location in $locations; do curl -fsS "$location"; done
  } | sed "s|$origin|http://service|g" | cat - ../compiled.sh ../*.java ./* <(printf '%s\n' "$@") | sha256sum | cut -c1-16)
  client=$INTEROP_CACHE/client-$key

  mkdir -p "$INTEROP_CACHE"
  exec 9>"$INTEROP_CACHE/.lock"
  flock 9
  if [ ! -e "$client" ]; then
    find "$INTEROP_CACHE" -maxdepth 1 -name 'client-*' -mtime +7 -exec rm -rf {} +
    rm -rf "$INTEROP_CACHE/.making"
    mkdir "$INTEROP_CACHE/.making"
    # What the tools say is not the scenario's.
    "$generate" "$INTEROP_CACHE/.making" "${@:2}" >&2 9>&-
    mv "$INTEROP_CACHE/.making" "$client"
  fi
  touch "$client"
  exec 9>&-
}

# unable says that the stack has no way to authenticate so.
unable() {
  echo "${PWD##*/} cannot authenticate by $INTEROP_SECURITY" >&2
  exit 1
}
