_cospaced_completion() {
    local IFS=$'\n'
    local response

    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _COSPACED_COMPLETE=bash_complete $1)

    for completion in $response; do
        IFS=',' read type value <<< "$completion"

        if [[ $type == 'dir' ]]; then
            COMPREPLY=()
            compopt -o dirnames
        elif [[ $type == 'file' ]]; then
            COMPREPLY=()
            compopt -o default
        elif [[ $type == 'plain' ]]; then
            [[ ${COMP_WORDS[COMP_CWORD]} == [\'\"]* ]] ||
                printf -v value %q "$value"
            COMPREPLY+=("$value")
        fi
    done

    return 0
}

_cospaced_completion_setup() {
    complete -o nosort -F _cospaced_completion cospaced
}

_cospaced_completion_setup;
