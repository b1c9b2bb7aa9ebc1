# fish completion for boxdo: subcommands, options, the images you may run, and the options of docker, apptainer
# and so on behind `boxdo docker run`. What is offered comes from boxdo itself.

function __boxdo_images
    boxdo images 2>/dev/null | awk 'NR > 1 && !/not permitted/ { print $1 }'
end

# The words that decide which options there are: "run", "docker run".
function __boxdo_line
    set -l words (commandline -opc)
    set -e words[1]
    switch "$words[1]"
        case run shell exec
            echo $words[1]
        case explain
            echo run
        case docker podman nerdctl apptainer singularity enroot
            contains -- "$words[2]" run exec shell start; and echo $words[1] $words[2]
        case log report ps list images import
            echo $words[1]
    end
end

function __boxdo_options
    set -l line (string split ' ' -- (__boxdo_line))
    test -n "$line[1]"; or return
    boxdo $line --help 2>/dev/null | awk '
	match($0, /^ +(-., )?--[a-z0-9-]+/) {
		names = substr($0, RSTART, RLENGTH); text = substr($0, RSTART + RLENGTH)
		gsub(/^ +/, "", names); if (!sub(/^ [^ ].*  +/, "", text)) sub(/^ +/, "", text)
		n = split(names, name, ", ")
		for (i = 1; i <= n; i++) print name[i] "\t" text
	}'
end

# What runs, to join it: ids, and names that were given.
function __boxdo_running
    boxdo ps --format json 2>/dev/null | sed -n '/"joins":/d; s/^{"id":"\([0-9a-f]\{12\}\).*"name":"\([^"]*\)".*/\1 \2/p' | string split -n ' '
end

function __boxdo_first
    test (count (commandline -opc)) -eq 1
end

function __boxdo_front
    set -l words (commandline -opc)
    test (count $words) -eq 2; and contains -- $words[2] docker podman nerdctl apptainer singularity enroot
end

# docker wait and its like
function __boxdo_ends
    set -l words (commandline -opc)
    test (count $words) -gt 2; and contains -- $words[2] docker podman nerdctl; and contains -- $words[3] wait stop kill
end

function __boxdo_front_commands
    set -l words (commandline -opc)
    boxdo $words[2] help 2>/dev/null | awk '/^Not had/ { exit } /^  / { print $1 }' | sort -u
end

complete -c boxdo -n __boxdo_first -f -a 'run shell exec ps inspect wait stop log report images list explain forget import image policy docker podman nerdctl apptainer singularity enroot help version'
complete -c boxdo -n __boxdo_front -f -a '(__boxdo_front_commands)'
complete -c boxdo -n 'string length -q -- (__boxdo_line)' -a '(__boxdo_options)'
complete -c boxdo -n 'string match -qr "^(run|shell|(apptainer|singularity) exec|.* (run|shell|start))\$" -- (__boxdo_line)' -a '(__boxdo_images)'
complete -c boxdo -n 'string match -qr "^(exec|(docker|podman|nerdctl) exec)\$" -- (__boxdo_line)' -f -a '(__boxdo_running)'
complete -c boxdo -n '__fish_seen_subcommand_from inspect' -f -a '(__boxdo_running) (__boxdo_images)'
complete -c boxdo -n '__fish_seen_subcommand_from wait' -f -a '(__boxdo_running)'
complete -c boxdo -n '__boxdo_ends' -f -a '(__boxdo_running)'
complete -c boxdo -n '__fish_seen_subcommand_from stop' -f -a '(boxdo ps -q 2>/dev/null)'
complete -c boxdo -n '__fish_seen_subcommand_from policy' -f -a 'check edit install digest test'
complete -c boxdo -n '__fish_seen_subcommand_from image' -f -a 'add list show verify warm cool remove'
