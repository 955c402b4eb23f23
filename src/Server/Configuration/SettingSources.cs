using System.Collections;
using System.Reflection;

namespace AsArm.Server.Configuration;

/// <summary>
/// The sources of settings: a file, the environment, the command line. A setting of a later source replaces that of earlier ones as a whole, also where it is a list: lists
/// are not joined by their indexes, as .NET's configuration does by default, so that no key of a file stays valid beside those that were meant to replace it.
/// </summary>
internal static class SettingSources
{
    /// <summary>
    /// What names of environment variables begin with: ASARM_SERVER__Port, ASARM_SERVER__Models__small. With one underscore they would be those that Kubernetes sets for a
    /// service named asarm-server, such as ASARM_SERVER_PORT.
    /// </summary>
    public const string VariablePrefix = "ASARM_SERVER__";

    private const string ShortPrefix = "ASARM_SERVER_";

    private static readonly Dictionary<string, PropertyInfo> s_settings = typeof(ServerOptions).GetProperties().Where(property => property.CanWrite)
        .ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>A setting, and others that say the same in another way, which it replaces too.</summary>
    private static readonly Dictionary<string, string[]> s_replaced = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(ServerOptions.ApiKeys)] = [nameof(ServerOptions.ApiKeyFile)],
        [nameof(ServerOptions.ApiKeyFile)] = [nameof(ServerOptions.ApiKeys)],
        [nameof(ServerOptions.Models)] = [nameof(ServerOptions.DefaultModel)], // which is one of them
    };

    /// <summary>The settings of all sources.</summary>
    /// <param name="file">A JSON file; null for none.</param>
    /// <param name="arguments">Settings of the command line.</param>
    /// <exception cref="ServerConfigurationException">One is unknown, or a list in place of a value, or the other way round.</exception>
    public static IConfigurationRoot Read(string? file, IEnumerable<KeyValuePair<string, string?>> arguments)
    {
        RequireTwoUnderscores();
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        if (file is not null)
            Replace(settings, new ConfigurationBuilder().AddJsonFile(Path.GetFullPath(file)).Build(), file);
        Replace(settings, new ConfigurationBuilder().AddEnvironmentVariables(VariablePrefix).Build(), "the environment");
        Replace(settings, new ConfigurationBuilder().AddInMemoryCollection(arguments).Build(), "the command line");
        return new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
    }

    private static void Replace(Dictionary<string, string?> settings, IConfigurationRoot source, string name)
    {
        IConfigurationSection[] given = [.. source.GetChildren()];
        foreach (IConfigurationSection setting in given)
        {
            if (!s_settings.TryGetValue(setting.Key, out PropertyInfo? property))
                throw new ServerConfigurationException($"Unknown setting '{setting.Key}' in {name}: use {string.Join(", ", s_settings.Keys)}.");
            RequireShape(setting, IsList(property), name);
            foreach (string replaced in s_replaced.GetValueOrDefault(setting.Key, []).Append(setting.Key))
                Remove(settings, replaced);
        }

        foreach ((string key, string? value) in source.AsEnumerable().Where(entry => entry.Value is not null))
            settings[key] = value;
    }

    private static void Remove(Dictionary<string, string?> settings, string setting)
    {
        foreach (string key in settings.Keys.Where(key => string.Equals(key.Split(':')[0], setting, StringComparison.OrdinalIgnoreCase)).ToArray())
            settings.Remove(key);
    }

    private static bool IsList(PropertyInfo property) => property.PropertyType != typeof(string) && property.PropertyType.IsAssignableTo(typeof(IEnumerable));

    /// <summary>A list that is given as a value would be empty, and leave a server without keys.</summary>
    private static void RequireShape(IConfigurationSection setting, bool isList, string source)
    {
        bool hasEntries = setting.GetChildren().Any();
        if (isList && !hasEntries && !string.IsNullOrEmpty(setting.Value))
            throw new ServerConfigurationException($"{setting.Key} in {source} has several values: give each a name of its own, {VariablePrefix}{setting.Key}__0 in the environment.");
        if (isList && !hasEntries && source == "the environment")
            throw new ServerConfigurationException($"{setting.Key} in {source} is empty: leave it out, or use {VariablePrefix}{setting.Key}__0.");
        if (isList ? setting.GetChildren().Any(entry => entry.Value is null) : hasEntries)
            throw new ServerConfigurationException($"{(isList ? setting.GetChildren().First(entry => entry.Value is null).Path : setting.Key)} in {source} must be one value.");
    }

    /// <summary>A name with one underscore is that of a setting by mistake, unless Kubernetes has set it.</summary>
    private static void RequireTwoUnderscores()
    {
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            var (name, value) = ((string)variable.Key, (string?)variable.Value);
            if (!name.StartsWith(ShortPrefix, StringComparison.OrdinalIgnoreCase) || name.StartsWith(VariablePrefix, StringComparison.OrdinalIgnoreCase))
                continue;
            string setting = name[ShortPrefix.Length..].Split("__")[0];
            if (s_settings.ContainsKey(setting) && value?.Contains("://", StringComparison.Ordinal) != true) // tcp://10.0.0.1:8080 is Kubernetes' own
                throw new ServerConfigurationException($"The environment has {name}: names of settings have two underscores there, {VariablePrefix}{name[ShortPrefix.Length..]}.");
        }
    }
}
