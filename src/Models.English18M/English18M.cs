namespace AsArm.Models;

/// <summary>The model english-18m, whose files this package puts beside the application.</summary>
/// <example><code>
/// using var infiller = TextInfiller.Open(English18M.FolderPath);
/// </code></example>
public static class English18M
{
    private const string RelativePath = "models/english-18m";

    /// <summary>Path of the model folder: `models/english-18m` in the folder of the application.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder is not there; the message names where it was looked for.</exception>
    public static string FolderPath
    {
        get
        {
            // A single file that extracts itself has its assemblies in a temporary folder, and the model beside the executable.
            string?[] parents = [AppContext.BaseDirectory, Path.GetDirectoryName(Environment.ProcessPath)];
            string[] places = [.. parents.OfType<string>().Select(parent => Path.GetFullPath(RelativePath, parent)).Distinct()];
            return places.FirstOrDefault(Directory.Exists) ?? throw new DirectoryNotFoundException(
                $"The model english-18m is missing: there is no {string.Join(" and no ", places)}. Deploy the folder models with the application.");
        }
    }
}
