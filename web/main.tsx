import './styles/theme.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/controls.css';
import './styles/try.css';
import './styles/batches.css';
import './styles/explorer.css';
import './styles/workbench.css';
import './styles/traffic.css';
import './styles/system.css';
import { render } from 'preact';
import { Shell } from './shell/shell.tsx';
import { applyTheme, storedTheme } from './shell/theme.ts';

applyTheme(storedTheme());
const page = document.getElementById('page');
if (page !== null) render(<Shell />, page);
