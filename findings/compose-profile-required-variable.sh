#!/usr/bin/env bash
# compose-go v2.16.2 (Go module; what `docker compose` v5.7.1 reads its files with): a
# `${NAME:?message}` in a service whose profile is off stops the services that are on.
#
# What most people expect: it is asked for only where the profile is on. Compose file
# reference, "Profiles": "A service is ignored by Compose when none of the listed profiles
# match the active ones." And so it is with the rest of such a service: its `env_file` may
# be missing.
#
# The behaviour: the whole file is interpolated before profiles are looked at, so no service
# starts without the optional one's secret. The remedy: `${NAME:-}`, and a check in the
# service itself, or a file of its own for the optional service (`-f`, twice).
#
# The output that was seen:
#   required variable, profile off           | required variable FINDING_SECRET is missing a value
#   required variable, profile off, value    | web
#   required variable, profile on, value     | extra web
#   missing env_file, profile off            | web
#   missing env_file, profile on             | env file not found
#   empty default, profile off               | web
#   file of its own, left out                | web
#   file of its own, asked for               | required variable FINDING_SECRET is missing a value
#   as described
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
cd "$dir"
unset FINDING_SECRET COMPOSE_PROFILES COMPOSE_FILE

cat >main.go <<'GO'
// Loads Compose files as `docker compose config --services` does. Arguments: -f FILE, or a profile.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	var files, profiles []string
	for i := 1; i < len(os.Args); i++ {
		if os.Args[i] == "-f" {
			i++
			files = append(files, os.Args[i])
		} else {
			profiles = append(profiles, os.Args[i])
		}
	}
	options, err := cli.NewProjectOptions(files,
		cli.WithName("finding"), cli.WithOsEnv, cli.WithProfiles(profiles))
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(strings.Join(project.ServiceNames(), " "))
}
GO
{
    go mod init finding && go get github.com/compose-spec/compose-go/v2/cli@v2.16.2 &&
        go build -o load .
} >install.log 2>&1 || { cat install.log; exit 1; }

service() { # FILE [LINE]...: a service `web`, and one that is off, with these lines
    printf 'services:\n  web:\n    image: web\n' >"$1"
    optional "$1" "${@:2}"
}
optional() { # FILE [LINE]...
    printf '  extra:\n    image: extra\n    profiles: [extra]\n' >>"$1"
    printf '    %s\n' "${@:2}" >>"$1"
}
service required.yml 'environment:' '  SECRET: ${FINDING_SECRET:?set it}'
service file.yml 'env_file: [missing.env]'
service default.yml 'environment:' '  SECRET: ${FINDING_SECRET:-}'
printf 'services:\n  web:\n    image: web\n' >alone.yml
printf 'services:\n' >second.yml
optional second.yml 'environment:' '  SECRET: ${FINDING_SECRET:?set it}'

changed=0
expect() { # NAME CODE TEXT ARGUMENT...
    code=0
    ./load "${@:4}" >out 2>&1 || code=$?
    case "$(cat out)" in
    *"required variable FINDING_SECRET is missing a value"*)
        seen='required variable FINDING_SECRET is missing a value' ;;
    "env file "*missing.env" not found"*) seen='env file not found' ;;
    *) seen=$(cat out) ;;
    esac
    printf '%-40s | %s\n' "$1" "$seen"
    [ "$code" = "$2" ] && [ "$seen" = "$3" ] || changed=1
}
missing='required variable FINDING_SECRET is missing a value'
expect 'required variable, profile off' 1 "$missing" -f required.yml
FINDING_SECRET=x expect 'required variable, profile off, value' 0 web -f required.yml
FINDING_SECRET=x expect 'required variable, profile on, value' 0 'extra web' -f required.yml extra
expect 'missing env_file, profile off' 0 web -f file.yml
expect 'missing env_file, profile on' 1 'env file not found' -f file.yml extra
expect 'empty default, profile off' 0 web -f default.yml
expect 'file of its own, left out' 0 web -f alone.yml
expect 'file of its own, asked for' 1 "$missing" -f alone.yml -f second.yml extra

if [ "$changed" = 0 ]; then echo "as described"; else echo "the behaviour changed"; fi
exit "$changed"
