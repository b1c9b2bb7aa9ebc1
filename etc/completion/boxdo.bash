# bash completion for boxdo: subcommands, options, the images you may run, and the options of docker,
# apptainer and so on behind `boxdo docker run`. What is offered comes from boxdo itself.

# Options of a command line's beginning, a line each: "--name" or, when a value follows, "--name=".
_boxdo_options() { # COMMAND...
	"$@" --help 2>/dev/null | awk '
	match($0, /^ +(-., )?--[a-z0-9-]+/) {
		names = substr($0, RSTART, RLENGTH); rest = substr($0, RSTART + RLENGTH)
		gsub(/[ ,]+/, " ", names); n = split(names, name, " ")
		# An argument follows after one blank, the text after two or more.
		for (i = 1; i <= n; i++) print name[i] (rest ~ /^ [^ ]/ ? "=" : "")
	}'
}

_boxdo_images() {
	boxdo images 2>/dev/null | awk 'NR > 1 && !/not permitted/ { print $1 }'
}

# What runs, to join it: ids, and names that were given.
_boxdo_running() {
	boxdo ps --format json 2>/dev/null | sed -n '/"joins":/d; s/^{"id":"\([0-9a-f]\{12\}\).*"name":"\([^"]*\)".*/\1 \2/p'
}

# Where the image is expected: no operand yet behind the options.
_boxdo_at_image() { # FIRST OPTIONS
	local i word=$1
	for ((i = $1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word == -* ]]; then
			[[ $word == *=* ]] || ! grep -qxF -e "$word=" <<<"$2" || ((i++))
			# bash parts words at '='
			[[ ${COMP_WORDS[i + 1]-} != '=' ]] || ((i += 2))
		else
			return 1
		fi
	done
	((i == COMP_CWORD))
}

_boxdo_container() { # FIRST COMMAND...
	local first=$1 options word=${COMP_WORDS[COMP_CWORD]}
	shift
	options=$(_boxdo_options "$@")
	if _boxdo_at_image "$first" "$options"; then
		if [[ $word == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "${options//=/}" -- "$word")
			return
		fi
		case "$*" in
		'boxdo exec' | 'boxdo docker exec' | 'boxdo podman exec' | 'boxdo nerdctl exec') mapfile -t COMPREPLY < <(compgen -W "$(_boxdo_running)" -- "$word") ;;
		*) mapfile -t COMPREPLY < <(compgen -W "$(_boxdo_images)" -- "$word") ;;
		esac
	fi
	[[ ${#COMPREPLY[@]} -gt 0 ]] || compopt -o default
}

_boxdo() {
	local sub=${COMP_WORDS[1]-} second=${COMP_WORDS[2]-} word=${COMP_WORDS[COMP_CWORD]}
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "run shell exec ps inspect wait stop log report images list explain forget import image policy
			docker podman nerdctl apptainer singularity enroot help version" -- "$word")
		return
	fi
	case $sub in
	run | shell | exec) _boxdo_container 2 boxdo "$sub" ;;
	explain) _boxdo_container 2 boxdo run ;;
	docker | podman | nerdctl | apptainer | singularity | enroot)
		if ((COMP_CWORD == 2)); then
			mapfile -t COMPREPLY < <(compgen -W "$(boxdo "$sub" help 2>/dev/null | awk '/^Not had/ { exit } /^  / { print $1 }' | sort -u)" -- "$word")
		else
			case $second in
			run | exec | shell | start) _boxdo_container 3 boxdo "$sub" "$second" ;;
			wait | stop | kill) mapfile -t COMPREPLY < <(compgen -W "$(_boxdo_running)" -- "$word") ;;
			*) compopt -o default ;;
			esac
		fi
		;;
	inspect) mapfile -t COMPREPLY < <(compgen -W "$(_boxdo_running) $(_boxdo_images)" -- "$word") ;;
	wait) mapfile -t COMPREPLY < <(compgen -W "$(_boxdo_running)" -- "$word") ;;
	stop) mapfile -t COMPREPLY < <(compgen -W "$(boxdo ps -q 2>/dev/null)" -- "$word") ;;
	image) mapfile -t COMPREPLY < <(compgen -W "add list show verify warm cool remove --from --warm --all --changed-device $(_boxdo_images)" -- "$word") ;;
	policy)
		mapfile -t COMPREPLY < <(compgen -W "check edit install digest test" -- "$word")
		((COMP_CWORD == 2)) || compopt -o default
		;;
	log | report | list | images | ps | import)
		if [[ $word == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$(_boxdo_options boxdo "$sub" | sed 's/=$//')" -- "$word")
		else
			compopt -o default
		fi
		;;
	*) compopt -o default ;;
	esac
}
complete -F _boxdo boxdo
