using System.Text.Json.Serialization;

namespace AsArm.Perf.Results;

/// <summary>One of the last lines of a measurement.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Value">The number.</param>
/// <param name="Text">As it is printed.</param>
internal sealed record Figure(string Name, double Value, [property: JsonIgnore] string Text)
{
    /// <summary>Prints all.</summary>
    public static void Print(IEnumerable<Figure> figures)
    {
        foreach (Figure figure in figures)
            Console.WriteLine($"{figure.Name}: {figure.Text}");
    }
}
