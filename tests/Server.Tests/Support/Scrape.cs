using System.Globalization;
using System.Text.RegularExpressions;

namespace AsArm.Server.Tests.Support;

/// <summary>A sample of the text that Prometheus reads.</summary>
/// <param name="Name">Name of the series.</param>
/// <param name="Labels">Its labels.</param>
/// <param name="Value">Its value.</param>
internal sealed record Sample(string Name, IReadOnlyDictionary<string, string> Labels, double Value)
{
    /// <summary>A label; empty if the series has none of that name, as Prometheus takes it.</summary>
    public string this[string label] => Labels.GetValueOrDefault(label, "");
}

/// <summary>What /metrics answers, in Prometheus' text format.</summary>
internal static partial class Scrape
{
    private const int Attempts = 3000;

    /// <summary>All samples.</summary>
    public static async Task<Sample[]> ReadAsync(HttpClient client)
    {
        string text = await client.GetStringAsync("/metrics");
        return [.. text.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(SampleOf)];
    }

    /// <summary>Asks again until the samples are as expected: a request is counted a moment after its answer.</summary>
    public static async Task<Sample[]> ReadUntilAsync(HttpClient client, Func<Sample[], bool> isComplete)
    {
        for (int i = 0; i < Attempts; i++)
        {
            if (await ReadAsync(client) is Sample[] samples && isComplete(samples))
                return samples;
            await Task.Delay(10);
        }

        throw new AssertFailedException($"It never was as expected: {await client.GetStringAsync("/metrics")}");
    }

    private static Sample SampleOf(string line)
    {
        Match match = Line().Match(line);
        Assert.IsTrue(match.Success, line);
        var labels = Label().Matches(match.Groups["labels"].Value).ToDictionary(one => one.Groups[1].Value, one => one.Groups[2].Value);
        return new Sample(match.Groups["name"].Value, labels, double.Parse(match.Groups["value"].Value.Replace("+Inf", "Infinity", StringComparison.Ordinal), CultureInfo.InvariantCulture));
    }

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>.*)\})? (?<value>[^ ]+)( [0-9]+)?$""")]
    private static partial Regex Line();

    [GeneratedRegex("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\]|\\\\.)*)\"")]
    private static partial Regex Label();
}
