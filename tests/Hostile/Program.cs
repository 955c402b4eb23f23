using System.Globalization;
using AsArm.Hostile;

// hostile folders COUNT [FROM]: opens COUNT damaged folders, each determined by its number; the last line has the counts. Exit 1 if one did harm.
// hostile controls: tests that harm is detected.
// hostile child FROM TO, hostile environment CASE FOLDER: started by the above and by tests.
return args switch
{
    ["folders", var count] => Campaign.Run(0, Number(count)),
    ["folders", var count, var from] => Campaign.Run(Number(from), Number(count)),
    ["controls"] => Campaign.RunControls(),
    ["child", var from, var to] => Child.Run(Number(from), Number(to)),
    ["environment", var @case, var folder] => EnvironmentCase.Run(@case, folder),
    _ => Usage(),
};

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

static int Usage()
{
    Console.Error.WriteLine("usage: hostile folders COUNT [FROM] | controls | child FROM TO | environment before|after|parallel FOLDER");
    return 2;
}
