# fish completion for octasklyctl
# Load it with:  octasklyctl completion fish | source
# or keep it in: ~/.config/fish/completions/octasklyctl.fish

function __octasklyctl
    set -l words (commandline -opc) (commandline -ct)
    $words[1] $words[2..-1] --generate-bash-completion 2>/dev/null
end

complete -c octasklyctl -a '(__octasklyctl)'
