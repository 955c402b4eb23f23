namespace AsArm.Perf;

/// <summary>Options with a value each.</summary>
internal static class Arguments
{
    /// <summary>The values by option; null, after a message on standard error, where they are wrong.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="arguments">Options and values by turns.</param>
    /// <param name="options">Those that there are: --model and files that will be written.</param>
    public static IReadOnlyDictionary<string, string>? Parse(string command, IReadOnlyList<string> arguments, params string[] options)
    {
        var values = new Dictionary<string, string>();
        for (int i = 0; i < arguments.Count; i += 2)
        {
            if (i + 1 == arguments.Count || !options.Contains(arguments[i]) || !values.TryAdd(arguments[i], arguments[i + 1]))
            {
                Console.Error.WriteLine($"perf -- {command} takes no arguments but {string.Join(", ", options.Select(option => $"{option} {(option == "--model" ? "DIR" : "FILE")}"))}.");
                return null;
            }
        }

        foreach ((string option, string file) in values)
        {
            if (option != "--model" && !Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(file))))
            {
                Console.Error.WriteLine($"{file}: there is no such folder.");
                return null;
            }
        }

        return values;
    }
}
